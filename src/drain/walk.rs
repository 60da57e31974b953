//! Walking contacts by id: every one of them, or those changed since a moment.

use jiff::Timestamp;

use super::{Drain, DrainFailure, Pass, size::Cap};
use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem,
        contacts::{self, Contact, Family, PAGE},
        limits::Step,
    },
    portal::{CallFailure, Repeat},
};

/// Pages read in one request at most. Each begins behind the last row of the one before, which the
/// portal fills in itself.
const MOST_PAGES: usize = 10;

/// Contacts that follow one another by id.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    pub contacts: Vec<Contact>,
    /// Everybody up to this id was looked at.
    pub reached: u64,
    /// Nobody comes behind them.
    pub is_last: bool,
}

/// What a step of a walk brought.
pub(super) enum Walked {
    Stretch(Stretch),
    /// The portal lets nobody list contacts before this moment.
    Wait(Timestamp, String),
}

impl Drain {
    /// The contacts behind `after`, several pages of them where the portal follows references. A
    /// portal that fails is asked again a few times.
    pub(super) async fn walk(
        &mut self,
        pass: &mut Pass,
        after: u64,
        modified_since: Option<Timestamp>,
    ) -> Result<Walked, DrainFailure> {
        loop {
            match self.stretch(after, modified_since).await {
                Ok(stretch) => {
                    pass.failures = 0;
                    return Ok(Walked::Stretch(stretch));
                }
                Err(CallFailure::MustWait { until, why }) => {
                    return Ok(Walked::Wait(until, why.to_string()));
                }
                Err(CallFailure::Problem(Problem::MethodBlocked)) => {
                    let until = self.portal.blocked_until(self.portal.contacts().list());
                    let until = until.unwrap_or(self.portal.now());
                    return Ok(Walked::Wait(until, Problem::MethodBlocked.to_string()));
                }
                Err(CallFailure::Problem(problem)) if problem.may_have_been_processed() => {
                    pass.failures += 1;
                    self.pause_after_failures(pass).await?;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    async fn stretch(
        &mut self,
        after: u64,
        modified_since: Option<Timestamp>,
    ) -> Result<Stretch, CallFailure> {
        let family = self.portal.contacts();
        let page = contacts::walk(family, after, modified_since);
        let mut batch = Batch::new();
        batch.push("w0", &page);
        for at in 1..self.pages_at_once() {
            batch.push_following(format!("w{at}"), family, &page, &format!("w{}", at - 1));
        }
        let mut answer = self.portal.batch(&batch, Repeat::Freely).await?;
        let mut stretch = Stretch {
            reached: after,
            ..Stretch::default()
        };
        for at in 0..batch.len() {
            let list = match read_page(family, &mut answer, at) {
                Ok(list) => list,
                // Pages that came are good; the rest is asked for again.
                Err(_) if at > 0 => break,
                Err(problem) => return Err(problem.into()),
            };
            if at > 0
                && list
                    .first()
                    .is_some_and(|contact| contact.id <= stretch.reached)
            {
                tracing::info!(portal = %self.config().name,
                    "the portal does not follow references in filters; pages are read one by one");
                self.memory.walks_by_page = true;
                break;
            }
            let (full, empty) = (list.len() >= PAGE, list.is_empty());
            stretch.reached = list.last().map_or(stretch.reached, |contact| contact.id);
            // A portal that does not know the filter drops it without a word, and answers everybody.
            let changed = |contact: &Contact| {
                let changed_at = contact.modified_at();
                modified_since.is_none_or(|since| changed_at.is_none_or(|at| at >= since))
            };
            stretch.contacts.extend(list.into_iter().filter(changed));
            if !full {
                // An empty page behind a reference proves nothing: the reference may have failed.
                stretch.is_last = at == 0 || !empty;
                break;
            }
        }
        Ok(stretch)
    }

    fn pages_at_once(&self) -> usize {
        if self.memory.walks_by_page {
            return 1;
        }
        let seconds = self.config().batch_seconds;
        Cap::<MOST_PAGES>::default().fit(
            seconds,
            self.portal.cost(Step::page(self.portal.contacts())),
        )
    }
}

fn read_page(family: Family, answer: &mut BatchAnswer, at: usize) -> Result<Vec<Contact>, Problem> {
    let reply = answer.take(&format!("w{at}"))?;
    contacts::read_list(family, reply.result, reply.time.began)
}
