//! Walking contacts by id: every one of them, or those changed since a moment.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    failure::TidyFailure,
    size::Cap,
    verdict::{Verdict, of_many},
    wait::Wait,
};
use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem,
        contacts::{self, Contact, Family, PAGE},
        limits::Step,
    },
    portal::{CallFailure, Portal, Repeat},
};

/// Pages read in one request at most. Each begins behind the last row of the one before, which the
/// portal fills in itself.
const MOST_PAGES: usize = 10;

/// How many ids are looked at first where a page fails.
const FIRST_RANGE: u64 = 64;

/// Beyond so many ids without a failure the walk goes on as it did before.
const LONGEST_RANGE: u64 = 4096;

/// How many pages in a row may fail before the walk gives up for now.
const MOST_FAILURES: u32 = 20;

/// Contacts that follow one another by id.
#[derive(Debug, Default)]
pub struct Stretch {
    /// The contacts, by id.
    pub contacts: Vec<Contact>,
    /// One that no list can show: it is read by itself.
    pub lone: Option<u64>,
    /// Everybody up to this id was looked at.
    pub reached: u64,
    /// Nobody comes behind them.
    pub is_last: bool,
}

/// What a step of a walk brought.
#[derive(Debug)]
pub enum Walked {
    /// Contacts.
    Stretch(Stretch),
    /// The portal lets nobody list contacts for a while.
    Wait(Wait),
}

/// How far a page reaches, where the portal fails over somebody who comes next.
#[derive(Debug, Clone, Copy)]
enum Reach {
    /// As far as fifty contacts go.
    Far,
    /// So many ids: nobody among the next ones may be whom the portal fails over.
    Growing(u64),
    /// The one whom the portal fails over has no id beyond this.
    Before(u64),
}

/// A walk over contacts.
pub(super) struct Walk {
    portal: Arc<Portal>,
    /// The portal does not follow references in filters.
    page_by_page: bool,
    reach: Reach,
    failures: u32,
}

impl Walk {
    pub(super) fn new(portal: Arc<Portal>) -> Self {
        Self {
            portal,
            page_by_page: false,
            reach: Reach::Far,
            failures: 0,
        }
    }

    /// The contacts behind `after`, several pages of them where the portal follows references. Where it
    /// fails over one of them the others are found all the same, and that one is named.
    pub(super) async fn step(
        &mut self,
        after: u64,
        modified_since: Option<Timestamp>,
    ) -> Result<Walked, TidyFailure> {
        // Another walk was there before.
        if matches!(self.reach, Reach::Before(id) if id <= after) {
            self.reach = Reach::Far;
        }
        loop {
            let until = match self.reach {
                Reach::Far => None,
                Reach::Growing(ids) => Some(after.saturating_add(ids)),
                Reach::Before(id) if id <= after + 1 => {
                    self.reach = Reach::Far;
                    return Ok(Walked::Stretch(Stretch {
                        lone: Some(id),
                        reached: id,
                        ..Stretch::default()
                    }));
                }
                Reach::Before(id) => Some(after + (id - after) / 2),
            };
            let step = match until {
                None => self.pages(after, modified_since).await,
                Some(until) => self.range(after, until, modified_since).await,
            };
            let problem = match step {
                Ok(stretch) => {
                    self.failures = 0;
                    if let Reach::Growing(ids) = self.reach {
                        // So far on nobody failed: perhaps nobody does any more.
                        self.reach = match ids.saturating_mul(2) {
                            ids if ids > LONGEST_RANGE => Reach::Far,
                            ids => Reach::Growing(ids),
                        };
                    }
                    return Ok(Walked::Stretch(stretch));
                }
                Err(CallFailure::MustWait { until, why }) => {
                    return Ok(Walked::Wait(Wait::new(until, &why)));
                }
                Err(CallFailure::Problem(problem)) => problem,
                Err(failure) => return Err(failure.into()),
            };
            // No answer at all is about the way there, or about too much at once.
            if matches!(problem, Problem::Unanswered(_)) && self.failures > 0 {
                self.failures = 0;
                return Err(problem.into());
            }
            let is_unanswered = matches!(problem, Problem::Unanswered(_));
            let problem = match of_many(problem) {
                Verdict::Blocked => {
                    let until = self.portal.blocked_until(self.portal.contacts().list());
                    return Ok(Walked::Wait(Wait {
                        until: until.unwrap_or(self.portal.now()),
                        why: Problem::MethodBlocked.to_string(),
                    }));
                }
                Verdict::Everybody(problem) => return Err(problem.into()),
                Verdict::LookAgain(problem)
                | Verdict::Denied(problem)
                | Verdict::Refused(problem) => problem,
                Verdict::Gone => Problem::Gone,
            };
            self.failures += 1;
            if self.failures > MOST_FAILURES || does_not_advance(&problem) {
                self.failures = 0;
                self.reach = Reach::Far;
                return Err(problem.into());
            }
            if is_unanswered {
                continue;
            }
            self.reach = match until {
                None => Reach::Growing(FIRST_RANGE),
                Some(until) => Reach::Before(until),
            };
        }
    }

    async fn pages(
        &mut self,
        after: u64,
        modified_since: Option<Timestamp>,
    ) -> Result<Stretch, CallFailure> {
        let family = self.portal.contacts();
        let page = contacts::walk(family, after, modified_since);
        let mut batch = Batch::new();
        batch.push("w0", &page);
        for at in 1..self.pages_at_once(family) {
            batch.push_following(format!("w{at}"), family, &page, &format!("w{}", at - 1));
        }
        let repeat = if self.failures == 0 {
            Repeat::Freely
        } else {
            Repeat::Never
        };
        let mut answer = self.portal.batch(&batch, repeat).await?;
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
            let goes_on = list.iter().all(|contact| contact.id > stretch.reached);
            if !goes_on && at > 0 {
                tracing::info!(portal = %self.portal.config.name,
                    "the portal does not follow references in filters; pages are read one by one");
                self.page_by_page = true;
                break;
            }
            if !goes_on {
                return Err(stuck(after).into());
            }
            let (full, empty) = (list.len() >= PAGE, list.is_empty());
            stretch.take(list, modified_since);
            if !full {
                // An empty page behind a reference proves nothing: the reference may have failed.
                stretch.is_last = at == 0 || !empty;
                break;
            }
        }
        Ok(stretch)
    }

    /// A page of those with ids from behind `after` to `until` alone.
    async fn range(
        &mut self,
        after: u64,
        until: u64,
        modified_since: Option<Timestamp>,
    ) -> Result<Stretch, CallFailure> {
        let family = self.portal.contacts();
        let page = contacts::walk(family, after, modified_since);
        let mut batch = Batch::new();
        batch.push("w0", &contacts::up_to(family, &page, until));
        let mut answer = self.portal.batch(&batch, Repeat::Never).await?;
        let list = read_page(family, &mut answer, 0)?;
        let mut stretch = Stretch {
            reached: after,
            ..Stretch::default()
        };
        if list.iter().any(|contact| contact.id <= after) {
            return Err(stuck(after).into());
        }
        let full = list.len() >= PAGE;
        stretch.take(list, modified_since);
        if !full {
            stretch.reached = stretch.reached.max(until);
        }
        Ok(stretch)
    }

    fn pages_at_once(&self, family: Family) -> usize {
        if self.page_by_page || self.failures > 0 {
            return 1;
        }
        let seconds = self.portal.config.batch_seconds;
        Cap::<MOST_PAGES>::default().fit(seconds, self.portal.cost(Step::page(family)))
    }
}

impl Stretch {
    fn take(&mut self, list: Vec<Contact>, modified_since: Option<Timestamp>) {
        let ids = list.iter().map(|contact| contact.id);
        self.reached = ids.max().unwrap_or(0).max(self.reached);
        // A portal that does not know the filter drops it without a word, and answers everybody.
        let changed = |contact: &Contact| {
            let changed_at = contact.modified_at();
            modified_since.is_none_or(|since| changed_at.is_none_or(|at| at >= since))
        };
        self.contacts.extend(list.into_iter().filter(changed));
    }
}

fn read_page(family: Family, answer: &mut BatchAnswer, at: usize) -> Result<Vec<Contact>, Problem> {
    let reply = answer.take(&format!("w{at}"))?;
    contacts::read_list(family, reply.result, reply.time.began)
}

const STUCK: &str = "the list of contacts does not go on: the portal ignores its filter";

fn stuck(after: u64) -> Problem {
    Problem::Unclear(format!("{STUCK} behind contact {after}"))
}

fn does_not_advance(problem: &Problem) -> bool {
    matches!(problem, Problem::Unclear(text) if text.starts_with(STUCK))
}
