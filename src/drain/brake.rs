//! The brake: so many contacts an hour are written and no more.

use jiff::Timestamp;

use super::{Drain, DrainFailure, LONGEST_DEFERRAL_SECONDS, Outcome, Pass};
use crate::clock::after;

/// The window in which changes are counted, in seconds.
const WINDOW_SECONDS: f64 = 3600.0;

impl Drain {
    /// Looks how much may still be written. Answers how the pass ends where writing rests.
    pub(super) async fn check_brake(
        &self,
        pass: &mut Pass,
        braked_until: Option<Timestamp>,
    ) -> Result<Option<Outcome>, DrainFailure> {
        pass.allowance = self.allowance().await?;
        let Some(until) = braked_until else {
            return Ok(None);
        };
        let now = self.portal.now();
        // A rest longer than any could be began before the clock was set back.
        let holds = until > now && until <= after(now, LONGEST_DEFERRAL_SECONDS);
        // A limit that was raised is felt at once.
        if holds && pass.allowance <= self.config().max_changes_per_hour / 2 {
            return Ok(Some(Outcome::WorkLeft {
                until,
                why: self.braked(),
            }));
        }
        self.portal.store().set_braked(self.portal.id, None).await?;
        tracing::info!(portal = %self.config().name, "writing goes on after its rest");
        Ok(None)
    }

    /// Engages the brake where corrections wait and no more may be written.
    pub(super) async fn brake(&self, pass: &mut Pass) -> Result<(), DrainFailure> {
        if pass.to_write.is_empty() || pass.allowance > 0 || pass.writes_wait.is_some() {
            return Ok(());
        }
        // Writes that a guard refused were counted when they were sent.
        pass.allowance = self.allowance().await?;
        if pass.allowance > 0 {
            return Ok(());
        }
        let until = self.brake_ends().await?;
        let store = self.portal.store();
        if store.portal(self.portal.id).await?.braked_until.is_none() {
            tracing::warn!(portal = %self.config().name, %until,
                max_changes_per_hour = self.config().max_changes_per_hour,
                "so many contacts were changed within an hour that writing rests; what is queued waits on the portal");
        }
        store.set_braked(self.portal.id, Some(until)).await?;
        pass.writes_wait = Some((until, self.braked()));
        pass.drained = true;
        Ok(())
    }

    async fn allowance(&self) -> Result<u32, DrainFailure> {
        let most = self.config().max_changes_per_hour;
        if most == 0 {
            return Ok(u32::MAX);
        }
        let (store, now) = (self.portal.store(), self.portal.now());
        let since = after(now, -WINDOW_SECONDS);
        let written = store
            .contacts_written_since(self.portal.id, since, now)
            .await?;
        Ok(most.saturating_sub(written))
    }

    /// Writing rests until half of the limit is free again, so that it does not stutter.
    async fn brake_ends(&self) -> Result<Timestamp, DrainFailure> {
        let now = self.portal.now();
        let half = self.config().max_changes_per_hour.saturating_sub(1) / 2;
        let leaves = self
            .portal
            .store()
            .nth_contact_written_since(self.portal.id, after(now, -WINDOW_SECONDS), half)
            .await?;
        Ok(after(leaves.unwrap_or(now).min(now), WINDOW_SECONDS))
    }

    fn braked(&self) -> String {
        format!(
            "max_changes_per_hour ({}) is reached",
            self.config().max_changes_per_hour
        )
    }
}
