//! The hourly look at everything that an empty queue does not tell: bindings, application, plan,
//! open reservations.

use jiff::Timestamp;

use super::{
    Drain, DrainFailure,
    adopt::ask_for_reserved,
    gap::LONGEST_ABSENCE_SECONDS,
    reserve::{add_resumptions, stored},
};
use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem,
        application::{self, Feature},
        events::{self, ContactEvent, ProcessId},
    },
    clock::after,
    portal::{CallFailure, Repeat},
    store::StoredEvent,
};

/// For how long a refusal to reserve counts more than what the portal says of its plan, in seconds.
const REFUSAL_COUNTS_SECONDS: f64 = 6.0 * 3600.0;

impl Drain {
    /// Looks, repairs the bindings, resumes open reservations and adopts unknown ones.
    pub(super) async fn survey(&mut self) -> Result<(), DrainFailure> {
        let (mut answer, resumed) = self.ask_on_the_right_queue().await?;
        let began = answer.time.began;
        self.check_application(&mut answer).await?;
        self.note_absence(began).await?;
        let bindings = events::read_bindings(answer.take("bindings")?.result)?;
        let missing = events::unbound(&bindings, &self.portal.queue().connector);
        self.memory.proven_at = if missing.is_empty() {
            began
        } else {
            self.note_gap("the contact events were not bound").await?;
            self.bind(&missing).await?
        };
        self.resume(&resumed, &mut answer).await?;
        self.adopt(&mut answer).await?;
        self.take_over_other_queues().await?;
        self.memory.may_have_orphans = false;
        let unanswered = self
            .portal
            .store()
            .unanswered_changes(self.portal.id)
            .await?;
        self.memory
            .unanswered
            .extend(unanswered.iter().map(|change| change.contact_id));
        self.memory.surveyed_at = Some(self.portal.now());
        self.portal.store().set_lost(self.portal.id, None).await?;
        Ok(())
    }

    /// Asks with the connector where the plan offers it, without it where it does not. Both may have
    /// changed since the last time.
    async fn ask_on_the_right_queue(
        &mut self,
    ) -> Result<(BatchAnswer, Vec<(ProcessId, bool)>), DrainFailure> {
        self.choose_connector();
        let (mut answer, resumed) = match self.ask().await {
            Err(CallFailure::Problem(Problem::Licence(said))) if self.uses_connector() => {
                self.lose_connector(&said).await?;
                let (mut answer, resumed) = self.ask().await?;
                self.learn_plan(&mut answer).await?;
                return Ok((answer, resumed));
            }
            other => other?,
        };
        let lacked = self.lacks_connector();
        self.learn_plan(&mut answer).await?;
        if !lacked || self.memory.facts.plan_connector != Some(true) {
            return Ok((answer, resumed));
        }
        tracing::info!(portal = %self.config().name,
            "the plan has rest_auth_connector; going back to `auth_connector`");
        self.choose_connector();
        let (mut answer, resumed) = self.ask().await?;
        self.learn_plan(&mut answer).await?;
        Ok((answer, resumed))
    }

    /// Every start-up check in one request.
    async fn ask(&self) -> Result<(BatchAnswer, Vec<(ProcessId, bool)>), CallFailure> {
        let mut batch = Batch::new();
        batch.push("info", &application::info());
        batch.push("admin", &application::is_admin());
        batch.push("scopes", &application::scopes());
        batch.push(
            "confirms",
            &application::feature(application::OFFLINE_EXTENDED),
        );
        batch.push(
            "connector",
            &application::feature(application::AUTH_CONNECTOR),
        );
        batch.push("bindings", &events::bindings());
        ask_for_reserved(&mut batch);
        let open = self
            .portal
            .store()
            .open_processes(&self.portal.queue())
            .await?;
        let resumed = add_resumptions(&mut batch, open);
        Ok((self.portal.batch(&batch, Repeat::Freely).await?, resumed))
    }

    async fn check_application(&self, answer: &mut BatchAnswer) -> Result<(), DrainFailure> {
        let mut take = |key: &str| application::known(answer, key);
        let (info, admin, scopes) = (take("info")?, take("admin")?, take("scopes")?);
        if let Some(reason) = application::inactive(&info) {
            self.note_gap(&reason.text).await?;
        }
        application::fitness(&info, &admin, &scopes)
            .map_err(|unfit| DrainFailure::NeedsPerson(unfit.to_string()))
    }

    async fn learn_plan(&mut self, answer: &mut BatchAnswer) -> Result<(), DrainFailure> {
        let before = self.memory.facts;
        let now = self.portal.now();
        let mut has = |key| application::known(answer, key).map(|it| application::has_feature(&it));
        let (confirms, connector) = (has("confirms")?, has("connector")?);
        let counts = |at| now >= at && now < after(at, REFUSAL_COUNTS_SECONDS);
        // A refusal that the plan explains is over with the plan.
        let refused = &mut self.memory.reserving_refused_at;
        *refused = refused.filter(|at| confirms && counts(*at));
        let facts = &mut self.memory.facts;
        facts.plan_confirms = Some(confirms && refused.is_none());
        facts.plan_connector = Some(
            self.portal
                .has_feature(Feature::Connector, connector)
                .await?,
        );
        if *facts != before {
            self.portal
                .store()
                .set_plan_facts(self.portal.id, self.memory.facts)
                .await?;
        }
        Ok(())
    }

    /// Binds what is missing. Answers the portal's time from which on events are recorded.
    async fn bind(&mut self, missing: &[ContactEvent]) -> Result<Option<Timestamp>, DrainFailure> {
        // Bindings that stood there before us are somebody else's to remove.
        if self.lacks_connector() && missing.len() == ContactEvent::ALL.len() {
            self.begin_stand_in().await?;
        }
        let mut batch = Batch::new();
        for event in missing {
            batch.push(event.as_str(), &events::bind(*event));
        }
        let mut answer = self.portal.batch(&batch, Repeat::Freely).await?;
        for event in missing {
            match answer.take(event.as_str()) {
                Ok(_) | Err(Problem::AlreadyBound) => {}
                Err(problem) => return Err(problem.into()),
            }
        }
        tracing::info!(portal = %self.config().name, events = missing.len(), "bound the contact events");
        Ok(answer.time.began)
    }

    /// Brings the store in line with what the portal still holds of our reservations.
    pub(super) async fn resume(
        &self,
        resumed: &[(ProcessId, bool)],
        answer: &mut BatchAnswer,
    ) -> Result<(), DrainFailure> {
        let (store, queue) = (self.portal.store(), self.portal.queue());
        let known = store.open_events(&queue).await?;
        for (at, (process, errors)) in resumed.iter().enumerate() {
            let page = match answer.take(&format!("resume{at}")) {
                Ok(reply) => events::read_page(reply.result)?,
                // The plan has lost confirmation meanwhile: the store knows the rows as well, and
                // acknowledging needs no licence.
                Err(Problem::Licence(_)) => continue,
                Err(problem) => return Err(problem.into()),
            };
            let there: Vec<u64> = page.rows.iter().map(|row| row.id.get()).collect();
            let gone = known
                .iter()
                .filter(|event| event.process_id.as_deref() == Some(process.as_str()))
                .filter(|event| event.error == *errors && !there.contains(&event.row_id));
            // Acknowledged, the answer having been lost; or so old that the portal has purged it
            // while its contact waited for another try.
            let purged_before = after(self.portal.now(), -LONGEST_ABSENCE_SECONDS);
            let (purged, gone): (Vec<&StoredEvent>, Vec<&StoredEvent>) =
                gone.partition(|event| event.changed_at.is_some_and(|at| at < purged_before));
            let ids =
                |rows: Vec<&StoredEvent>| rows.iter().map(|row| row.row_id).collect::<Vec<_>>();
            store.keep_here(&queue, &ids(purged)).await?;
            store.forget_events(&queue, &ids(gone)).await?;
            let unknown: Vec<_> = page
                .rows
                .into_iter()
                .filter(|row| row.event().is_some())
                .filter(|row| !known.iter().any(|event| event.row_id == row.id.get()))
                .map(|row| stored(row, Some(process), *errors))
                .collect();
            store
                .store_events(&queue, &unknown, self.portal.now())
                .await?;
        }
        Ok(())
    }
}
