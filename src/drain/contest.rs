//! Other robots: a contact whose name somebody's automation keeps changing back is left to it for a
//! while.

use jiff::Timestamp;

use super::{Drain, DrainFailure, Pass, work::Item};
use crate::{
    bitrix::contacts::Contact,
    clock::after,
    contact::FieldChange,
    store::{Contested, Truce},
};

/// How matters stand with a contact that was fought over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Left alone until then.
    Truce(Timestamp),
    /// The truce is over: it is looked at once more.
    Due,
    /// It was looked at; our writes count from then on.
    Resumed(Timestamp),
}

impl Drain {
    /// Learns which contacts are left alone, and takes those in hand whose time is over.
    pub(super) async fn load_contests(&self, pass: &mut Pass) -> Result<(), DrainFailure> {
        let (store, now) = (self.portal.store(), self.portal.now());
        let period = self.contest_period();
        let horizon = after(now, period);
        for truce in store.truces(self.portal.id).await? {
            pass.contests
                .insert(truce.contact_id, standing(truce, now, horizon));
        }
        if !pass.contests.is_empty() {
            store
                .forget_contests(self.portal.id, after(now, -period))
                .await?;
        }
        Ok(())
    }

    /// Takes the contacts in hand whose truce is over.
    pub(super) fn pick_up_contests(pass: &mut Pass) {
        let due: Vec<u64> = pass
            .contests
            .iter()
            .filter(|(_, standing)| **standing == Standing::Due)
            .map(|(contact, _)| *contact)
            .filter(|contact| !pass.to_read.iter().any(|item| item.contact_id == *contact))
            .collect();
        pass.to_read.extend(due.into_iter().map(Item::without_rows));
    }

    /// Whether a contact that needs these changes has to be left alone, and remembers it where we
    /// have just written it once too often.
    pub(super) async fn is_contested(
        &self,
        pass: &mut Pass,
        contact: &Contact,
        changes: &[FieldChange],
    ) -> Result<bool, DrainFailure> {
        let now = self.portal.now();
        let period = self.contest_period();
        let mut counted_from = after(now, -period);
        match pass.contests.get(&contact.id) {
            Some(Standing::Truce(_)) => return Ok(true),
            Some(Standing::Due) => return Ok(false),
            Some(Standing::Resumed(at)) => counted_from = counted_from.max(*at),
            None => {}
        }
        let store = self.portal.store();
        let writes = store
            .writes_since(self.portal.id, contact.id, counted_from, now)
            .await?;
        let most = self.config().contest.writes;
        if writes < most {
            return Ok(false);
        }
        if pass.task.dry {
            return Ok(true);
        }
        let until = after(now, period);
        let joined = |value: fn(&FieldChange) -> &str| {
            let values: Vec<&str> = changes.iter().map(value).collect();
            values.join(" ")
        };
        let contested = Contested {
            contact_id: contact.id,
            ours: joined(|change| &change.new),
            theirs: joined(|change| &change.old),
            since: now,
            until,
        };
        store.contest(self.portal.id, &contested).await?;
        pass.contests.insert(contact.id, Standing::Truce(until));
        tracing::warn!(portal = %self.config().name, contact = contact.id, writes, %until,
            "somebody keeps changing this contact's name back; it is left alone for a while");
        Ok(true)
    }

    /// Contacts were looked at and settled: those whose truce was over begin a new count.
    pub(super) async fn end_truces(
        &self,
        pass: &mut Pass,
        contacts: &[u64],
    ) -> Result<(), DrainFailure> {
        for contact in contacts {
            if pass.contests.get(contact) != Some(&Standing::Due) {
                continue;
            }
            // A write of this very moment counts already.
            let counted_from = after(self.portal.now(), -0.001);
            let store = self.portal.store();
            store
                .resume_contest(self.portal.id, *contact, counted_from)
                .await?;
            pass.contests
                .insert(*contact, Standing::Resumed(counted_from));
        }
        Ok(())
    }

    fn contest_period(&self) -> f64 {
        self.config().contest.period.as_secs_f64()
    }
}

/// A truce that reaches further than any could was made before the clock was set back.
fn standing(truce: Truce, now: Timestamp, horizon: Timestamp) -> Standing {
    match truce.resumed_at {
        Some(at) => Standing::Resumed(at),
        None if truce.until > now && truce.until <= horizon => Standing::Truce(truce.until),
        None => Standing::Due,
    }
}
