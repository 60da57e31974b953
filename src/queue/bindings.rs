//! The bindings that have the portal record our events, and the queue without a connector that stands
//! in for the configured one where the plan lacks connectors.

use jiff::Timestamp;

use super::line::Line;
use crate::{
    bitrix::{Batch, Problem, events},
    portal::{CallFailure, Repeat, connector_in_use},
    store::{PlanFacts, StoreFault},
};

/// Binds what is missing. Answers the portal's time from which on events are recorded.
pub(super) async fn bind(line: &Line, missing: &[&str]) -> Result<Option<Timestamp>, CallFailure> {
    let mut batch = Batch::new();
    for event in missing {
        batch.push(*event, &events::bind(event));
    }
    let mut answer = line.portal.batch(&batch, Repeat::Freely).await?;
    for event in missing {
        match answer.take(event) {
            Ok(_) | Err(Problem::AlreadyBound) => {}
            Err(problem) => return Err(problem.into()),
        }
    }
    tracing::info!(
        portal = line.name(),
        events = missing.len(),
        "bound the events"
    );
    Ok(answer.time.began)
}

/// Whether the queue without a connector is bound in place of the configured one.
#[derive(Debug, Default)]
pub(super) struct StandIn {
    active: bool,
    unbound_at: Option<Timestamp>,
}

impl StandIn {
    /// What the store knows.
    pub(super) fn load(&mut self, active: bool) {
        self.active = active;
    }

    pub(super) fn is_active(&self) -> bool {
        self.active
    }

    /// Since when nothing more is recorded there; none where it is still bound.
    pub(super) fn unbound_at(&self) -> Option<Timestamp> {
        self.unbound_at
    }

    /// It is about to be bound.
    pub(super) async fn begin(&mut self, line: &Line) -> Result<(), StoreFault> {
        self.active = true;
        self.unbound_at = None;
        line.portal.store().set_stand_in(line.portal.id, true).await
    }

    pub(super) fn unbound(&mut self, now: Timestamp) {
        self.unbound_at = Some(now);
    }

    /// It is unbound, and empty for good.
    pub(super) async fn end(&mut self, line: &Line) -> Result<(), StoreFault> {
        self.active = false;
        line.portal
            .store()
            .set_stand_in(line.portal.id, false)
            .await
    }
}

/// Sends all further calls with the configured connector, where the plan has it. Answers whether that
/// is another queue than before.
pub(super) fn choose_connector(line: &Line, lacking: bool) -> bool {
    let facts = PlanFacts {
        plan_connector: lacking.then_some(false),
        ..PlanFacts::default()
    };
    let connector = connector_in_use(&line.portal.config, facts);
    let changed = line.key().connector != connector.unwrap_or_default();
    line.portal.use_connector(connector);
    changed
}
