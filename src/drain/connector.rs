//! The connector: used where the plan offers it; where it does not, the queue without a connector
//! stands in for it.

use jiff::Timestamp;

use super::{Drain, DrainFailure, Outcome, Pass, Progress, adopt::ask_for_reserved};
use crate::{
    bitrix::{
        Batch, Said,
        events::{self, ContactEvent},
    },
    clock::after,
    portal::{Repeat, connector_in_use},
};

/// Rows are written a moment after the change they tell of: so long after the bindings are removed
/// one more is still looked for, in seconds.
const LATE_ROWS_SECONDS: f64 = 60.0;

impl Drain {
    /// Sends all further calls with the configured connector, where the plan has it.
    pub(super) fn choose_connector(&mut self) {
        let connector = connector_in_use(&self.portal.config, self.memory.facts);
        if self.portal.queue().connector != connector.unwrap_or_default() {
            // The other queue may hold error rows and reservations of its own.
            self.memory.errors_drained_at = None;
        }
        self.portal.use_connector(connector);
    }

    pub(super) fn uses_connector(&self) -> bool {
        !self.portal.queue().connector.is_empty()
    }

    /// Whether a connector is configured that the plan is known to lack.
    pub(super) fn lacks_connector(&self) -> bool {
        self.config().connector.is_some() && !self.uses_connector()
    }

    /// Goes on without the connector. What is queued under it cannot be seen until it is back.
    pub(super) async fn lose_connector(&mut self, said: &Said) -> Result<(), DrainFailure> {
        tracing::warn!(portal = %self.config().name, %said,
            "the plan has no rest_auth_connector; working without `auth_connector`");
        self.memory.facts.plan_connector = Some(false);
        self.portal
            .store()
            .set_plan_facts(self.portal.id, self.memory.facts)
            .await?;
        self.choose_connector();
        self.note_gap("the queue of the connector is out of reach")
            .await
    }

    /// Events that were reserved under a connector which is out of reach or no longer configured
    /// cannot be acknowledged there, and need not be: their contacts are looked at all the same. Should
    /// it come back, whatever is still reserved under it is found in its list.
    pub(super) async fn take_over_other_queues(&self) -> Result<(), DrainFailure> {
        // Both are drained, and acknowledged, while the queue that stood in is left.
        if self.memory.stand_in && self.uses_connector() {
            return Ok(());
        }
        let others = &self.config().other_connectors;
        let rows = self
            .portal
            .store()
            .take_over(&self.portal.queue(), others)
            .await?;
        if rows > 0 {
            tracing::info!(portal = %self.config().name, rows,
                "took over events that were reserved with another `auth_connector`");
        }
        Ok(())
    }

    /// We are about to bind the queue without a connector, as the plan lacks the configured one.
    pub(super) async fn begin_stand_in(&mut self) -> Result<(), DrainFailure> {
        self.memory.stand_in = true;
        self.memory.stand_in_unbound_at = None;
        Ok(self
            .portal
            .store()
            .set_stand_in(self.portal.id, true)
            .await?)
    }

    /// Back to the connector: what was bound meanwhile is unbound, so that it does not fill for ever,
    /// and what it has recorded is tidied.
    pub(super) async fn leave_stand_in(
        &mut self,
        pass: &mut Pass,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), DrainFailure> {
        if !self.memory.stand_in || !self.uses_connector() {
            return Ok(());
        }
        self.portal.use_connector(None);
        self.memory.errors_drained_at = None;
        let outcome = self.drain_stand_in(pass, progress).await;
        self.choose_connector();
        outcome
    }

    async fn drain_stand_in(
        &mut self,
        pass: &mut Pass,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), DrainFailure> {
        let unbound_at = match self.memory.stand_in_unbound_at {
            Some(moment) => moment,
            None => self.unbind_stand_in().await?,
        };
        pass.queue_only = true;
        let outcome = self.turns(pass, progress).await?;
        let late = self.portal.now() >= after(unbound_at, LATE_ROWS_SECONDS);
        if late && pass.emptied && outcome == Outcome::Done {
            self.memory.stand_in = false;
            self.portal
                .store()
                .set_stand_in(self.portal.id, false)
                .await?;
            tracing::info!(portal = %self.config().name,
                "back to `auth_connector`; the bindings without it are removed, their queue is empty");
        }
        pass.queue_only = false;
        pass.drained = false;
        pass.emptied = false;
        pass.listed_to.clear();
        Ok(())
    }

    /// Removes the bindings that stood in, and takes over what is reserved in their queue.
    /// Answers since when nothing more is recorded there.
    async fn unbind_stand_in(&mut self) -> Result<Timestamp, DrainFailure> {
        let mut batch = Batch::new();
        for event in ContactEvent::ALL {
            batch.push(event.as_str(), &events::unbind(event));
        }
        ask_for_reserved(&mut batch);
        let open = self
            .portal
            .store()
            .open_processes(&self.portal.queue())
            .await?;
        let resumed = super::reserve::add_resumptions(&mut batch, open);
        let mut answer = self.portal.batch(&batch, Repeat::Freely).await?;
        for event in ContactEvent::ALL {
            answer.take(event.as_str())?;
        }
        self.resume(&resumed, &mut answer).await?;
        self.adopt(&mut answer).await?;
        let now = self.portal.now();
        self.memory.stand_in_unbound_at = Some(now);
        Ok(now)
    }
}
