//! Resting, within the caller's patience, and until a stop is asked for.

use jiff::Timestamp;

use super::{CallFailure, Hindrance, Portal, Repeat};
use crate::{
    bitrix::transport::CALL_SECONDS,
    clock::{after, seconds_between},
};

/// How long a request that is under way may take after a stop was asked for, in seconds. Its answer
/// counts as lost after that, and is reconciled at the next start.
pub(super) const STOP_GRACE_SECONDS: f64 = 4.0;

/// However little time is left, a request gets so long, in seconds.
const SHORTEST_CALL_SECONDS: f64 = 10.0;

impl Portal {
    /// Ends all waiting at `deadline`, however often something is in the way until then: what would take
    /// longer is not begun. `None` leaves it to the patience with each obstacle.
    pub fn wait_until_at_most(&self, deadline: Option<Timestamp>) {
        self.session().deadline = deadline;
    }

    /// How long a request may take, in seconds. One that can be sent again without harm is not waited for
    /// much longer than anything else; a write always gets its full time.
    pub(super) fn request_seconds(&self, repeat: Repeat) -> f64 {
        if repeat != Repeat::Freely {
            return CALL_SECONDS;
        }
        let now = self.now();
        let session = self.session();
        let left = session.deadline.map(|end| seconds_between(now, end));
        let longest = left.map_or(session.patience.longest_wait, |left| {
            left.min(session.patience.longest_wait)
        });
        longest.clamp(SHORTEST_CALL_SECONDS, CALL_SECONDS)
    }

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
            let patient_until = after(since, session.patience.longest_wait);
            let end = session
                .deadline
                .map_or(patient_until, |it| it.min(patient_until));
            if moment > end {
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
