//! Writes that have to wait for the portal's execution time: put off without being counted as tries,
//! while reserving, reading and acknowledging go on.

use jiff::Timestamp;

use super::{Drain, DrainFailure, Pass, turn::Turn, work::Item};

/// While writes wait, the queue is fetched until so many events (or a page, where that is more) wait
/// with them.
const MOST_WAITING: u64 = 1000;

impl Drain {
    /// Notices before a request is composed that writes would have to wait for long.
    pub(super) async fn notice_wait(&self, pass: &mut Pass) -> Result<(), DrainFailure> {
        let now = self.portal.now();
        pass.writes_wait = pass.writes_wait.take().filter(|(until, _)| *until > now);
        if pass.to_write.is_empty() {
            return Ok(());
        }
        if pass.writes_wait.is_none() {
            pass.writes_wait = self
                .portal
                .writes_wait()
                .map(|(until, why)| (until, why.to_string()));
        }
        if let Some((until, _)) = pass.writes_wait {
            let waiting = std::mem::take(&mut pass.to_write);
            let items = waiting.into_iter().map(|correction| correction.item);
            self.put_off(pass, items.collect(), until).await?;
        }
        Ok(())
    }

    /// Puts contacts off until `until`: they are read and judged anew then.
    pub(super) async fn put_off(
        &self,
        pass: &mut Pass,
        items: Vec<Item>,
        until: Timestamp,
    ) -> Result<(), DrainFailure> {
        let rows: Vec<u64> = items.iter().flat_map(Item::row_ids).collect();
        self.portal
            .store()
            .postpone_events(&self.portal.queue(), &rows, until)
            .await?;
        for row in &rows {
            pass.in_hand.remove(row);
        }
        pass.deferred += rows.len() as u64;
        for item in items.iter().filter(|item| item.rows.is_empty()) {
            self.defer(pass, item, until).await?;
        }
        Ok(())
    }

    /// Whether so much waits already that the rest of the queue had better stay in the portal.
    pub(super) async fn enough_waits(&self, pass: &Pass) -> Result<bool, DrainFailure> {
        if pass.deferred >= u64::from(self.limit) {
            return Ok(true);
        }
        if pass.writes_wait.is_none() && self.portal.writes_wait().is_none() {
            return Ok(false);
        }
        let waiting = self
            .portal
            .store()
            .count_put_off(&self.portal.queue(), self.portal.now())
            .await?;
        Ok(waiting >= MOST_WAITING.max(u64::from(self.limit)))
    }

    /// A request was answered: its size was right.
    pub(super) fn note_size_worked(&mut self, turn: &Turn) {
        self.memory.writes.worked(turn.writes.len());
        self.memory.pages.worked(turn.pages.len());
    }

    /// A request was cut off, or its answer was lost: the next one is smaller.
    pub(super) fn note_size_failed(&mut self, turn: &Turn) {
        self.memory.writes.shrink(turn.writes.len());
        self.memory.pages.shrink(turn.pages.len());
    }
}
