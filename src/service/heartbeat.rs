//! The sign of life after drains that succeeded, for a service that raises the alarm when the signs
//! stop.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::conditions::HostBook;
use crate::{clock::after, portal::Context};

/// Signs go out no more often, in seconds: services count a flood of them as abuse.
const BETWEEN_SECONDS: f64 = 60.0;

/// How long a sign may take, in seconds. It is not worth keeping a drain waiting.
const LONGEST_SECONDS: f64 = 5.0;

/// Where a portal's signs of life go. Its address is a secret: whoever knows it can silence the alarm.
pub(super) struct Heartbeat {
    url: Option<SecretString>,
    portal: String,
    host: HostBook,
    beaten_at: Option<Timestamp>,
}

impl Heartbeat {
    /// The sign of life of the portal called `portal`; none goes out where there is no `url`.
    pub(super) fn new(portal: &str, url: Option<SecretString>, host: HostBook) -> Self {
        Self {
            url,
            portal: portal.to_owned(),
            host,
            beaten_at: None,
        }
    }

    /// Sends one sign of life, where the last one is a minute ago. What goes wrong is a condition of the host.
    pub(super) async fn beat(&mut self, context: &Context) {
        let Some(url) = &self.url else {
            return;
        };
        let now = context.clock.now();
        // A moment to come was noted before the clock was set back.
        let recent = |at: Timestamp| at <= now && now < after(at, BETWEEN_SECONDS);
        if self.beaten_at.is_some_and(recent) {
            return;
        }
        self.beaten_at = Some(now);
        let got = tokio::select! {
            got = context.transport.get(url.expose_secret(), LONGEST_SECONDS) => got,
            () = context.stop.cancelled() => return,
        };
        let reason = match got {
            Ok(200..300) => None,
            Ok(status) => Some(format!("the answer was {status}")),
            Err(reason) => Some(reason),
        };
        let now = context.clock.now();
        self.host.heartbeat(&self.portal, reason, now);
    }
}
