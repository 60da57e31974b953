//! Resting, within the caller's patience, and until a stop is asked for.

use jiff::Timestamp;

use super::{CallFailure, Hindrance, Portal};
use crate::clock::{after, seconds_between};

/// How long a request that is under way may take after a stop was asked for, in seconds. Its answer
/// counts as lost after that, and is reconciled at the next start.
pub(super) const STOP_GRACE_SECONDS: f64 = 4.0;

impl Portal {
    /// Rests until `moment`, or until a stop is asked for.
    ///
    /// # Errors
    /// [`CallFailure::MustWait`] where that is further off than the patience reaches,
    /// [`CallFailure::Stopped`] on a stop.
    pub async fn rest_until(
        &self,
        moment: Timestamp,
        why: impl Into<Hindrance>,
    ) -> Result<(), CallFailure> {
        let now = self.now();
        {
            let mut session = self.session();
            let since = *session.hindered_since.get_or_insert(now);
            if moment > after(since, session.patience.longest_wait) {
                session.hindered_since = None;
                return Err(CallFailure::MustWait {
                    until: moment,
                    why: why.into(),
                });
            }
        }
        self.meter().rested(seconds_between(now, moment));
        tokio::select! {
            biased;
            () = self.context.stop.cancelled() => Err(CallFailure::Stopped),
            () = self.leave.cancelled() => Err(CallFailure::Stopped),
            () = self.context.clock.sleep_until(moment) => Ok(()),
        }
    }

    /// Ends some seconds after a stop was asked for.
    pub(super) async fn out_of_grace(&self) {
        self.context.stop.cancelled().await;
        self.context
            .clock
            .alarm_at(after(self.now(), STOP_GRACE_SECONDS))
            .await;
    }
}
