//! Requests in a row that went wrong: after a few of them a pass gives up for now.

use super::failure::DrainFailure;
use crate::{
    clock::after,
    portal::{Portal, RetryPolicy},
};

/// How many requests in a row may go wrong before a pass gives up for now.
const MOST: u32 = 5;

/// Requests in a row that went wrong.
#[derive(Debug, Default)]
pub(super) struct Streak {
    failures: u32,
    reason: String,
}

impl Streak {
    /// A request went wrong for this reason.
    pub(super) fn failed(&mut self, reason: &dyn std::fmt::Display) {
        self.failures += 1;
        self.reason = reason.to_string();
    }

    /// A request went well.
    pub(super) fn went_well(&mut self) {
        self.failures = 0;
    }

    /// Whether one more failure may be borne.
    pub(super) fn bears_more(&self) -> bool {
        self.failures < MOST
    }

    /// Rests a while after failures.
    ///
    /// # Errors
    /// [`DrainFailure::Temporary`] after too many, and where the rest would be too long.
    pub(super) async fn rest(&self, portal: &Portal) -> Result<(), DrainFailure> {
        if self.failures == 0 {
            return Ok(());
        }
        if self.failures > MOST {
            return Err(DrainFailure::Temporary(
                format!("the portal keeps failing: {}", self.reason).into(),
            ));
        }
        let delay = portal.delay(&RetryPolicy::CALLS, self.failures - 1);
        let until = after(portal.now(), delay);
        portal.rest_until(until, self.reason.as_str()).await?;
        Ok(())
    }
}
