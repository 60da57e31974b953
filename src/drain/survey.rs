//! The hourly look at everything that an empty queue does not tell: bindings, application, plan,
//! open reservations.

use super::{
    Drain, DrainFailure,
    reserve::{add_resumptions, stored},
};
use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem, Said, application,
        events::{self, Binding, ContactEvent, Listed, ProcessId},
    },
    portal::{CallFailure, Repeat},
};

impl Drain {
    /// Looks, repairs the bindings, resumes open reservations and adopts unknown ones.
    pub(super) async fn survey(&mut self) -> Result<(), DrainFailure> {
        self.choose_connector();
        let (mut answer, resumed) = match self.ask().await {
            Err(CallFailure::Problem(Problem::Licence(said))) if self.uses_connector() => {
                self.lose_connector(&said)?;
                self.ask().await?
            }
            other => other?,
        };
        let began = answer.time.began;
        self.check_application(&mut answer)?;
        self.learn_plan(&mut answer)?;
        let bindings = events::read_bindings(answer.take("bindings")?.result)?;
        let missing = self.missing_bindings(&bindings);
        if !missing.is_empty() {
            self.note_gap()?;
            self.bind(&missing).await?;
        }
        self.resume(&resumed, &mut answer)?;
        let reserved = answer.take("reserved")?;
        self.adopt(reserved).await?;
        self.memory.may_have_orphans = false;
        let unanswered = self.portal.store().unanswered_changes(self.portal.id)?;
        self.memory
            .unanswered
            .extend(unanswered.iter().map(|change| change.contact_id));
        self.memory.surveyed_at = Some(self.portal.now());
        self.memory.proven_at = if missing.is_empty() {
            began
        } else {
            Some(self.portal.now())
        };
        self.portal.store().set_lost(self.portal.id, None)?;
        Ok(())
    }

    pub(super) fn choose_connector(&self) {
        let possible = self.memory.facts.plan_connector != Some(false);
        let connector = self.config().connector.as_ref().filter(|_| possible);
        self.portal
            .use_connector(connector.map(|connector| connector.as_str()));
    }

    pub(super) fn uses_connector(&self) -> bool {
        !self.portal.queue().connector.is_empty()
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
        batch.push("reserved", &events::list(Listed::Reserved, 0));
        let open = self.portal.store().open_processes(&self.portal.queue())?;
        let resumed = add_resumptions(&mut batch, open);
        Ok((self.portal.batch(&batch, Repeat::Freely).await?, resumed))
    }

    fn check_application(&self, answer: &mut BatchAnswer) -> Result<(), DrainFailure> {
        let trouble = |text: &str| DrainFailure::NeedsPerson(text.to_owned());
        if let Some(reason) = application::inactive(&answer.take("info")?.result) {
            self.note_gap()?;
            return Err(trouble(&reason));
        }
        if crate::bitrix::wire::flag(&answer.take("admin")?.result) == Some(false) {
            return Err(trouble(
                "the account behind the tokens is no administrator; make it one, or authorise with another account",
            ));
        }
        if !application::has_scope(&answer.take("scopes")?.result, application::CRM_SCOPE) {
            return Err(trouble(
                "the application lacks the scope `crm`; grant it in the application's settings",
            ));
        }
        Ok(())
    }

    fn learn_plan(&mut self, answer: &mut BatchAnswer) -> Result<(), DrainFailure> {
        let before = self.memory.facts;
        let facts = &mut self.memory.facts;
        facts.plan_confirms = Some(application::has_feature(&answer.take("confirms")?.result));
        facts.plan_connector = Some(application::has_feature(&answer.take("connector")?.result));
        if *facts != before {
            self.portal
                .store()
                .set_plan_facts(self.portal.id, self.memory.facts)?;
        }
        Ok(())
    }

    pub(super) fn lose_connector(&mut self, said: &Said) -> Result<(), DrainFailure> {
        tracing::warn!(portal = %self.config().name, %said,
            "the plan has no rest_auth_connector; working without `auth_connector`");
        self.memory.facts.plan_connector = Some(false);
        self.portal
            .store()
            .set_plan_facts(self.portal.id, self.memory.facts)?;
        self.choose_connector();
        Ok(())
    }

    fn missing_bindings(&self, bindings: &[Binding]) -> Vec<ContactEvent> {
        let connector = self.portal.queue().connector;
        ContactEvent::ALL
            .into_iter()
            .filter(|event| {
                !bindings.iter().any(|binding| {
                    binding.offline
                        && binding.event == event.as_str()
                        && binding.connector == connector
                })
            })
            .collect()
    }

    async fn bind(&self, missing: &[ContactEvent]) -> Result<(), DrainFailure> {
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
        Ok(())
    }

    /// Nothing may have been recorded since the queue was last known to be complete.
    fn note_gap(&self) -> Result<(), DrainFailure> {
        let queue = self.portal.queue();
        let mut cursor = self.portal.store().cursor(&queue)?;
        if cursor.gap_since.is_none() && cursor.complete_until.is_some() {
            cursor.gap_since = cursor.complete_until;
            cursor.swept_to = 0;
            self.portal.store().set_cursor(&queue, cursor)?;
        }
        Ok(())
    }

    /// Brings the store in line with what the portal still holds of our reservations.
    fn resume(
        &self,
        resumed: &[(ProcessId, bool)],
        answer: &mut BatchAnswer,
    ) -> Result<(), DrainFailure> {
        let (store, queue) = (self.portal.store(), self.portal.queue());
        let known = store.open_events(&queue)?;
        for (at, (process, errors)) in resumed.iter().enumerate() {
            let page = match answer.take(&format!("resume{at}")) {
                Ok(reply) => events::read_page(reply.result)?,
                // The plan has lost confirmation meanwhile: the store knows the rows as well, and
                // acknowledging needs no licence.
                Err(Problem::Licence(_)) => continue,
                Err(problem) => return Err(problem.into()),
            };
            let there: Vec<u64> = page.rows.iter().map(|row| row.id.get()).collect();
            let gone: Vec<u64> = known
                .iter()
                .filter(|event| event.process_id.as_deref() == Some(process.as_str()))
                .filter(|event| event.error == *errors && !there.contains(&event.row_id))
                .map(|event| event.row_id)
                .collect();
            store.forget_events(&queue, &gone)?;
            let unknown: Vec<_> = page
                .rows
                .into_iter()
                .filter(|row| row.event().is_some())
                .filter(|row| !known.iter().any(|event| event.row_id == row.id.get()))
                .map(|row| stored(row, Some(process), *errors))
                .collect();
            store.store_events(&queue, &unknown, self.portal.now())?;
        }
        Ok(())
    }
}
