//! The brake: so many contacts an hour are written and no more.

use std::sync::Arc;

use jiff::Timestamp;

use super::wait::Wait;
use crate::{clock::after, portal::Portal, store::StoreFault};

/// The window in which changes are counted, in seconds.
const WINDOW_SECONDS: f64 = 3600.0;

/// A rest longer than any could be began before the clock was set back, in seconds.
const LONGEST_REST_SECONDS: f64 = 2.0 * WINDOW_SECONDS;

/// How many contacts may still be written.
pub(super) struct Brake {
    portal: Arc<Portal>,
    allowance: u32,
    /// It was engaged in this pass.
    engaged: bool,
}

impl Brake {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            portal,
            allowance: u32::MAX,
            engaged: false,
        }
    }

    /// Whether it was engaged in this pass.
    pub(super) fn is_engaged(&self) -> bool {
        self.engaged
    }

    /// It does not count this time.
    pub(super) fn release(&mut self) {
        self.engaged = false;
        self.allowance = u32::MAX;
    }

    /// Contacts that may still be written before it is looked at again.
    pub(super) fn allowance(&self) -> u32 {
        self.allowance
    }

    /// So many writes were sent.
    pub(super) fn sent(&mut self, contacts: usize) {
        self.allowance = self.allowance.saturating_sub(contacts as u32);
    }

    /// Looks how much may still be written. Answers until when writing rests, where it does.
    pub(super) async fn look(
        &mut self,
        braked_until: Option<Timestamp>,
    ) -> Result<Option<Wait>, StoreFault> {
        self.engaged = false;
        self.allowance = self.left().await?;
        let Some(until) = braked_until else {
            return Ok(None);
        };
        let now = self.portal.now();
        let holds = until > now && until <= after(now, LONGEST_REST_SECONDS);
        // A limit that was raised is felt at once.
        if holds && self.allowance <= self.most() / 2 {
            return Ok(Some(self.rest(until)));
        }
        self.portal.store().set_braked(self.portal.id, None).await?;
        tracing::info!(portal = %self.portal.config.name, "writing goes on after its rest");
        Ok(None)
    }

    /// Engages where corrections wait and no more may be written. Answers until when writing rests.
    pub(super) async fn engage(&mut self) -> Result<Option<Wait>, StoreFault> {
        if self.allowance > 0 {
            return Ok(None);
        }
        // Writes that a guard refused were counted when they were sent.
        self.allowance = self.left().await?;
        if self.allowance > 0 {
            return Ok(None);
        }
        let until = self.ends().await?;
        let store = self.portal.store();
        if store.portal(self.portal.id).await?.braked_until.is_none() {
            tracing::warn!(portal = %self.portal.config.name, %until, max_changes_per_hour = self.most(),
                "so many contacts were changed within an hour that writing rests; what is queued waits on the portal");
        }
        store.set_braked(self.portal.id, Some(until)).await?;
        self.engaged = true;
        Ok(Some(self.rest(until)))
    }

    async fn left(&self) -> Result<u32, StoreFault> {
        let most = self.most();
        if most == 0 {
            return Ok(u32::MAX);
        }
        let (store, now) = (self.portal.store(), self.portal.now());
        let since = after(now, -WINDOW_SECONDS);
        let portal = self.portal.id;
        let written = store.contacts_written_since(portal, since, now).await?;
        Ok(most.saturating_sub(written))
    }

    /// Writing rests until half of the limit is free again, so that it does not stutter.
    async fn ends(&self) -> Result<Timestamp, StoreFault> {
        let now = self.portal.now();
        let half = self.most().saturating_sub(1) / 2;
        let (store, portal) = (self.portal.store(), self.portal.id);
        let since = after(now, -WINDOW_SECONDS);
        let leaves = store.nth_contact_written_since(portal, since, half).await?;
        Ok(after(leaves.unwrap_or(now).min(now), WINDOW_SECONDS))
    }

    fn most(&self) -> u32 {
        self.portal.config.max_changes_per_hour
    }

    fn rest(&self, until: Timestamp) -> Wait {
        Wait {
            until,
            why: format!("max_changes_per_hour ({}) is reached", self.most()),
        }
    }
}
