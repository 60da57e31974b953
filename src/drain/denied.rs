//! Contacts whose write was denied: is it those contacts, or the account?

use super::{Drain, DrainFailure, Pass, read::DENIED_FOR_ALL, work::Item};
use crate::{clock::after, condition::Kind};

/// So many denied contacts are kept in hand before it is decided what they mean.
const MOST_KEPT: usize = 100;

/// For so long a write that was let through proves that the account may write, in seconds.
const PROVEN_SECONDS: f64 = 3600.0;

/// Contacts that an account without rights could not write are tried again this much later, in seconds.
const TRIED_AGAIN_SECONDS: f64 = 300.0;

impl Drain {
    /// Decides about the denied contacts once everything else is done, or there are many. Answers
    /// whether there is something to acknowledge now.
    ///
    /// # Errors
    /// [`DrainFailure::MayNotWrite`] where several were denied and none was let through: their events
    /// stay reserved, and hold up nobody.
    pub(super) async fn decide_denied(&mut self, pass: &mut Pass) -> Result<bool, DrainFailure> {
        let all_done = pass.is_idle() && pass.drained;
        if pass.denied.is_empty() || !(all_done || pass.denied.len() >= MOST_KEPT) {
            return Ok(false);
        }
        let denied = std::mem::take(&mut pass.denied);
        let (store, now) = (self.portal.store(), self.portal.now());
        let since = after(now, -PROVEN_SECONDS);
        let proven = pass.totals.changed > 0
            || store
                .contacts_written_since(self.portal.id, since, now)
                .await?
                > 0;
        if denied.len() < DENIED_FOR_ALL || proven {
            for (item, reason) in denied {
                self.park(pass, item, &reason).await?;
            }
            return Ok(true);
        }
        let items: Vec<Item> = denied.into_iter().map(|(item, _)| item).collect();
        self.put_off(pass, items, after(now, TRIED_AGAIN_SECONDS))
            .await?;
        Err(DrainFailure::MayNotWrite(Kind::NoWriteRight.into()))
    }
}
