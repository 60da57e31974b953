//! What cannot be done now: put off, picked up when it is due, counted at the end.

use super::{
    Drain, DrainFailure, LONGEST_DEFERRAL_SECONDS, Outcome, Pass, sweep::SWEEP_REST, work::Item,
};
use crate::{clock::after, portal::RetryPolicy};

impl Drain {
    /// Takes up rows that are ours and may be tried now.
    pub(super) async fn pick_up_due(&mut self, pass: &mut Pass) -> Result<(), DrainFailure> {
        let now = self.portal.now();
        let horizon = after(now, LONGEST_DEFERRAL_SECONDS);
        let limit = self.limit.saturating_add(pass.in_hand.len() as u32);
        let due = self
            .portal
            .store()
            .due_events(&self.portal.queue(), now, horizon, limit)
            .await?;
        let fresh = due
            .into_iter()
            .filter(|event| !pass.in_hand.contains(&event.row_id))
            .collect();
        pass.take_up(fresh);
        Ok(())
    }

    /// The refused contacts that may be tried now.
    pub(super) async fn parked_due(&self) -> Result<Vec<u64>, DrainFailure> {
        let now = self.portal.now();
        // Longer than any delay of the policy: the clock was set back.
        let horizon = after(now, 2.0 * RetryPolicy::PARKED.cap);
        let store = self.portal.store();
        Ok(store
            .parked_due(self.portal.id, now, horizon, self.limit)
            .await?)
    }

    /// How a pass ends that has nothing more to do now.
    pub(super) async fn what_is_left(&self, pass: &Pass) -> Result<Outcome, DrainFailure> {
        if let Some((until, why)) = &pass.writes_wait {
            return Ok(Outcome::WorkLeft {
                until: *until,
                why: why.clone(),
            });
        }
        let store = self.portal.store();
        if !pass.queue_only
            && store
                .cursor(&self.portal.configured_queue())
                .await?
                .gap_since
                .is_some()
        {
            let rest = if pass.unswept { SWEEP_REST } else { 0.0 };
            return Ok(Outcome::WorkLeft {
                until: after(self.portal.now(), rest),
                why: "contacts that were changed during a gap are being swept".to_owned(),
            });
        }
        Ok(match store.next_due(&self.portal.queue()).await? {
            None => Outcome::Done,
            Some(until) => Outcome::WorkLeft {
                until,
                why: "some contacts are tried again later".to_owned(),
            },
        })
    }

    /// Puts an item off: its rows stay ours and are tried again at `until`.
    pub(super) async fn defer(
        &self,
        pass: &mut Pass,
        item: &Item,
        until: jiff::Timestamp,
    ) -> Result<(), DrainFailure> {
        let store = self.portal.store();
        if item.rows.is_empty() {
            pass.unswept = true;
            if !pass.task.tidies() {
                pass.put_off.push(item.contact_id);
                return Ok(());
            }
            return Ok(store
                .postpone_parked(self.portal.id, item.contact_id, until)
                .await?);
        }
        store
            .defer_events(&self.portal.queue(), &item.row_ids(), until)
            .await?;
        for row in item.row_ids() {
            pass.in_hand.remove(&row);
        }
        pass.deferred += item.rows.len() as u64;
        Ok(())
    }

    /// Puts an item off by the policy for contacts. One without rows goes to the list of failures,
    /// as nothing else would remember it.
    pub(super) async fn defer_by_policy(
        &mut self,
        pass: &mut Pass,
        item: Item,
    ) -> Result<(), DrainFailure> {
        if item.rows.is_empty() {
            return self
                .park(
                    pass,
                    item,
                    "it could not be read or written several times in a row",
                )
                .await;
        }
        let until = after(
            self.portal.now(),
            self.portal.delay(&RetryPolicy::CONTACTS, item.attempts()),
        );
        self.defer(pass, &item, until).await
    }
}
