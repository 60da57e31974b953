//! What the next drain would write: the same contacts, read and judged the same way, with nothing
//! reserved, written or acknowledged.

use std::collections::HashSet;

use super::{
    Drain, DrainFailure, Pass,
    task::{Listener, Task, TaskSummary},
    work::Item,
};
use crate::{
    bitrix::{
        Problem,
        events::{self, Listed},
    },
    portal::{CallFailure, Repeat},
    store::RunKind,
};

impl Drain {
    /// Judges every contact that the next drain would look at: those in the queue, those whose rows
    /// are ours already, and refused ones whose time has come. `listener` gets each that would change.
    ///
    /// # Errors
    /// A [`DrainFailure`].
    pub async fn preview(
        &mut self,
        listener: &mut Listener<'_>,
    ) -> Result<TaskSummary, DrainFailure> {
        self.begin_showing().await?;
        let before = self.portal.requests();
        let task = Task {
            dry: true,
            put_back: None,
        };
        let mut pass = Pass::for_task(RunKind::Drain, task);
        self.load_contests(&mut pass).await?;
        let contacts = self.waiting_contacts().await?;
        pass.to_read
            .extend(contacts.into_iter().map(Item::without_rows));
        Self::pick_up_contests(&mut pass);
        let outcome = self.work_off(&mut pass, listener).await;
        let summary = self.end_task(&mut pass, before, &outcome).await?;
        outcome.map(|()| summary)
    }

    /// The contacts that the next drain looks at, each once, oldest row first.
    async fn waiting_contacts(&mut self) -> Result<Vec<u64>, DrainFailure> {
        let call = events::list(Listed::Everything, 0);
        let first = match self.portal.call(&call, Repeat::Freely).await {
            // The plan may have lost connectors since it was last looked at.
            Err(CallFailure::Problem(Problem::Licence(_))) if self.uses_connector() => {
                self.portal.use_connector(None);
                self.portal.call(&call, Repeat::Freely).await?
            }
            other => other?,
        };
        // A daemon that works beside us may make the list miss rows: those it has settled by then.
        let mut listed = self
            .portal
            .queue_rows_from(Listed::Everything, first)
            .await?;
        listed.retain(|row| row.event().is_some());
        let (store, queue) = (self.portal.store(), self.portal.queue());
        let due = self.parked_due().await?;
        let ours = store.open_events(&queue).await?;
        let mut seen = HashSet::new();
        Ok(ours
            .iter()
            .filter_map(|event| event.contact_id)
            .chain(listed.iter().filter_map(|row| row.contact_id))
            .chain(due)
            .filter(|contact| seen.insert(*contact))
            .collect())
    }
}
