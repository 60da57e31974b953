//! The work on contacts: reading them, judging them, and writing what they need, always under guard
//! where the portal has one.
//!
//! Contacts come from a *source*: rows of the queue ([`Tidy::take_rows`]), ids that somebody names
//! ([`Tidy::take_contacts`]: due failures, truces that are over, an undo's list), or a walk
//! ([`Tidy::walk`], [`Tidy::take_read`]: a gap's sweep, `sweep`). What is done to them is a
//! [`Purpose`], chosen once by [`Tidy::begin`]. From there on all are treated alike.
//!
//! | file | noun |
//! | --- | --- |
//! | `purpose` | what is done with contacts |
//! | `item` | a contact in hand, and a correction |
//! | `read`, `write`, `plain` | what a request reads and writes; writing without a guard |
//! | `verdict` | what a problem means for a contact |
//! | `ledger`, `books` | what became of each contact; the history of what we write |
//! | `guards`, `brake`, `contests`, `denied` | what keeps us from writing, or from writing wrongly |
//! | `walk`, `gap`, `undo` | contacts by id; those of a gap; values to put back |
//! | `size` | how much a request carries |

mod books;
mod brake;
mod contests;
mod denied;
mod failure;
mod gap;
mod guards;
mod item;
mod ledger;
mod plain;
mod purpose;
mod read;
mod size;
mod undo;
mod verdict;
mod wait;
mod walk;
mod write;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    ops::ControlFlow,
    sync::Arc,
};

use jiff::Timestamp;

use books::Books;
use brake::Brake;
use denied::{DENIED_FOR_ALL, Denied, Meaning};
pub use failure::TidyFailure;
use gap::Gap;
use guards::Guards;
use item::{Correction, Item, group};
use ledger::Ledger;
use plain::Plain;
pub use purpose::{Finding, Purpose, PutBack};
use read::{Read, Reads, Wish, divide};
use size::Cap;
pub use undo::values_to_put_back;
use verdict::{Verdict, of_many, verdict};
pub use wait::Wait;
pub use walk::{Stretch, Walked};
use walk::Walk;
use write::{Way, Writes, way};

use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem,
        batch::Guarded,
        contacts::{self, Contact},
        events::ContactEvent,
        limits::Step,
    },
    clock::after,
    contact::{FieldChange, changes},
    names::Engine,
    portal::{CallFailure, Portal, Repeat, RetryPolicy},
    queue::{Handled, Row},
    store::{ChangeFilter, LeftAlone, PortalRecord, RunTotals},
};

/// The events that speak of contacts which may have to be tidied.
pub const EVENTS: [&str; 2] = ContactEvent::NAMES;

/// How often a contact is read in one pass before it is put off.
const MOST_LOOKS: u32 = 6;

/// `DATE_MODIFY` has whole seconds: a read in the second of the last edit is repeated this much later.
const NEXT_SECOND: f64 = 1.0;

/// Contacts that an account without rights could not write are tried again this much later, in seconds.
const DENIED_AGAIN_SECONDS: f64 = 300.0;

/// After so many tries in vain a contact that is read alone counts as refused, whatever else works.
const ATTEMPTS_ENOUGH: u32 = 4;

/// Contacts whose reading failed are read alone from then on; so many are remembered.
const MOST_SUSPECTS: usize = 1000;

/// The work on the contacts of one portal.
pub struct Tidy {
    portal: Arc<Portal>,
    engine: Engine,
    guards: Guards,
    books: Books,
    brake: Brake,
    denied: Denied,
    ledger: Ledger,
    walk: Walk,
    gap: Gap,
    /// Contacts that a request writes at most.
    writes: Cap<{ write::MOST_CONTACTS }>,
    /// Pages that a request reads at most.
    pages: Cap<{ read::MOST_PAGES }>,
    /// Contacts that no page could be read with.
    suspects: BTreeSet<u64>,
    purpose: Purpose,
    to_read: Vec<Item>,
    to_write: VecDeque<Correction>,
    /// Nothing can be written, or read, before then.
    waits: Option<Wait>,
    /// The brake is engaged.
    braked: bool,
    findings: Vec<Finding>,
    judged: u64,
    changed: u64,
    /// It was asked whether the account may read at all.
    asked_for_rights: bool,
}

/// What a request does about contacts.
#[derive(Debug)]
pub struct Work {
    writes: Writes,
    reads: Reads,
}

impl Work {
    /// Whether it writes: such a request is never repeated as it is.
    #[must_use]
    pub fn writes(&self) -> bool {
        !self.writes.is_empty()
    }
}

/// How a gap's sweep goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// There is nothing (more) to sweep now.
    Nothing,
    /// A chunk is in hand.
    InHand,
    /// A chunk is done; more follows.
    Done,
}

impl Tidy {
    /// The work on the contacts of `portal`.
    #[must_use]
    pub fn new(portal: Arc<Portal>) -> Self {
        Self {
            engine: Engine::new(portal.config.names.clone()),
            guards: Guards::new(portal.clone()),
            books: Books::new(portal.clone()),
            brake: Brake::new(portal.clone()),
            denied: Denied::new(portal.clone()),
            ledger: Ledger::new(portal.clone()),
            walk: Walk::new(portal.clone()),
            gap: Gap::new(portal.clone()),
            writes: Cap::default(),
            pages: Cap::default(),
            suspects: BTreeSet::new(),
            purpose: Purpose::Tidy,
            to_read: Vec::new(),
            to_write: VecDeque::new(),
            waits: None,
            braked: false,
            findings: Vec::new(),
            judged: 0,
            changed: 0,
            asked_for_rights: false,
            portal,
        }
    }

    /// Begins a pass for a purpose. `walked`: the contacts come by a walk that somebody asked for.
    /// Answers until when nothing may be written, where the brake is engaged.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn begin(
        &mut self,
        purpose: Purpose,
        walked: bool,
        record: &PortalRecord,
    ) -> Result<Option<Wait>, TidyFailure> {
        self.guards.load(record.facts);
        self.books.begin(purpose.kind(walked));
        self.denied.begin();
        self.gap.begin();
        self.ledger.begin(purpose.keeps_failures()).await?;
        self.forget();
        let braked = match &purpose {
            Purpose::Tidy => self.brake.look(record.braked_until).await?,
            Purpose::Report | Purpose::PutBack { .. } => {
                self.brake.release();
                None
            }
        };
        self.purpose = purpose;
        Ok(braked)
    }

    /// Drops what is in hand, and what was counted.
    pub fn forget(&mut self) {
        self.to_read.clear();
        self.to_write.clear();
        self.findings.clear();
        self.waits = None;
        self.braked = false;
        (self.judged, self.changed) = (0, 0);
        self.asked_for_rights = false;
        self.ledger.forget();
    }

    /// Learns which writes of earlier processes were never answered.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn load_unanswered(&mut self) -> Result<(), TidyFailure> {
        Ok(self.books.load().await?)
    }

    /// Closes the pass in the history.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn end(
        &mut self,
        totals: RunTotals,
        outcome: &str,
        is_a_drain: bool,
    ) -> Result<(), TidyFailure> {
        Ok(self.books.end(totals, outcome, is_a_drain).await?)
    }

    // --- Sources.

    /// Takes rows of the queue in hand. Those that name no contact are settled: nothing can be done
    /// about them.
    pub fn take_rows(&mut self, rows: Vec<Row>) -> Option<Handled> {
        let (items, nameless) = group(rows);
        self.take_items(items);
        (!nameless.is_empty()).then_some(Handled::Settled(nameless))
    }

    /// Takes contacts in hand that no row speaks of.
    pub fn take_contacts(&mut self, contacts: impl IntoIterator<Item = u64>) {
        let items = contacts.into_iter().map(Item::without_rows);
        self.take_items(items.collect());
    }

    /// The contacts that are due without an event: refused ones whose time has come, `most` at most,
    /// and those whose truce is over. None while nothing could be written.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn due_contacts(&mut self, most: u32) -> Result<Vec<u64>, TidyFailure> {
        if self.purpose.writes() && self.portal.writes_wait().is_some() {
            return Ok(Vec::new());
        }
        let now = self.portal.now();
        // Longer than any delay of the policy: the clock was set back.
        let horizon = after(now, 2.0 * RetryPolicy::PARKED.cap);
        let (store, portal) = (self.portal.store(), self.portal.id);
        let mut due = store.parked_due(portal, now, horizon, most).await?;
        for contact in self.ledger.contests().due() {
            if !due.contains(&contact) {
                due.push(contact);
            }
        }
        Ok(due)
    }

    /// The next contacts by id behind `after`, all or those changed since a moment.
    ///
    /// # Errors
    /// A failure of the portal.
    pub async fn walk(
        &mut self,
        after: u64,
        modified_since: Option<Timestamp>,
    ) -> Result<Walked, TidyFailure> {
        self.walk.step(after, modified_since).await
    }

    /// Takes contacts in hand that were just read.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn take_read(&mut self, read: Vec<Contact>) -> Result<(), TidyFailure> {
        let alone = self.left_alone(read.iter().map(|contact| contact.id)).await?;
        for contact in read {
            let item = Item::without_rows(contact.id);
            self.judge(item, contact, &alone).await?;
        }
        Ok(())
    }

    /// Takes a contact in hand that no list can show.
    pub fn take_lone(&mut self, contact: u64) {
        self.suspect(contact);
        self.take_contacts([contact]);
    }

    /// The next step of the sweep that a gap demands, everything else being done.
    ///
    /// # Errors
    /// A failure of the portal or the state file.
    pub async fn sweep_gap(&mut self) -> Result<Swept, TidyFailure> {
        if self.gap.is_under_way() {
            if self.ledger.take_unsettled() || self.waits.is_some() {
                self.gap.unsettled(self.waits.as_ref());
                return Ok(Swept::Nothing);
            }
            self.gap.settled().await?;
            return Ok(Swept::Done);
        }
        // What is read while nothing can be written would only be read again.
        let wait = self.portal.writes_wait();
        if self.waits.is_some() || wait.is_some() {
            return Ok(Swept::Nothing);
        }
        let Some((swept_to, since)) = self.gap.next().await? else {
            return Ok(Swept::Nothing);
        };
        let stretch = match self.walk(swept_to, Some(since)).await? {
            Walked::Stretch(stretch) => stretch,
            Walked::Wait(wait) => {
                self.waits = Some(wait);
                return Ok(Swept::Nothing);
            }
        };
        self.gap.took(&stretch);
        self.ledger.take_unsettled();
        if let Some(contact) = stretch.lone {
            self.take_lone(contact);
        }
        self.take_read(stretch.contacts).await?;
        Ok(Swept::InHand)
    }

    /// When the sweep of a gap goes on, where one is open.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn gap_goes_on(&self) -> Result<Option<Timestamp>, TidyFailure> {
        Ok(self.gap.goes_on().await?)
    }

    fn take_items(&mut self, items: Vec<Item>) {
        for mut item in items {
            if self.suspects.contains(&item.contact_id) {
                item.company = Some(1);
            }
            self.to_read.push(item);
        }
    }

    // --- What a request carries.

    /// What has to be done before a request is composed: the brake, and waits that are known. Writes the
    /// correction in front where it may not travel in a batch. Answers whether it did.
    ///
    /// # Errors
    /// A [`TidyFailure`].
    pub async fn write_next_plainly(&mut self) -> Result<bool, TidyFailure> {
        if !self.to_write.is_empty() && self.waits.is_none() {
            self.waits = self.brake.engage().await?;
            self.braked |= self.waits.is_some();
        }
        self.notice_wait().await?;
        let Some(correction) = self.to_write.front() else {
            return Ok(false);
        };
        let way = way(&self.guards, correction);
        if way == Way::Guarded {
            return Ok(false);
        }
        // A contact that no list shows could not be guarded anywhere.
        let may_be_guarded = way == Way::Plain && !correction.item.missing_from_list;
        if may_be_guarded && self.guards.work_again(&correction.contact).await? {
            return Ok(true);
        }
        let Some(mut correction) = self.to_write.pop_front() else {
            return Ok(false);
        };
        if way == Way::ReadAgain {
            if correction.contact.is_settled() == Some(false) {
                correction.item.not_before = Some(after(self.portal.now(), NEXT_SECOND));
            }
            self.look_again(correction.item).await?;
        } else {
            self.write_plainly(correction).await?;
        }
        Ok(true)
    }

    /// Puts as many guarded writes, and behind them reads, into a request as fit and are due, and notes
    /// in the history what is about to be written.
    ///
    /// # Errors
    /// A fault of the state file: the request must not be sent.
    pub async fn put(&mut self, batch: &mut Batch) -> Result<Work, TidyFailure> {
        let most = self.most_contacts().min(self.brake.allowance() as usize);
        let writes = Writes::put(&mut self.to_write, &self.guards, most, batch);
        let mut wish = Wish {
            family: self.portal.contacts(),
            now: self.portal.now(),
            pages: 0,
            proof: self.purpose.writes() && self.guards.need_proof(),
        };
        let mut nobody = Vec::new();
        let reads = if self.to_write.is_empty() {
            let cost = self.portal.cost(Step::page(wish.family));
            wish.pages = self.pages.fit(self.portal.config.batch_seconds, cost);
            Reads::put(&mut self.to_read, &wish, batch)
        } else {
            Reads::put(&mut nobody, &wish, batch)
        };
        self.books
            .sending(writes.iter(), self.puts_back())
            .await?;
        self.brake.sent(writes.len());
        Ok(Work { writes, reads })
    }

    /// Whether a request with `work` has room for what a reservation may bring.
    #[must_use]
    pub fn leaves_room(&self, work: &Work) -> bool {
        self.is_idle() && work.reads.is_empty()
    }

    /// Takes in what became of `work`. Answers a passing problem.
    ///
    /// # Errors
    /// A [`TidyFailure`].
    pub async fn redeem(
        &mut self,
        work: Work,
        answer: &mut BatchAnswer,
    ) -> Result<Option<Problem>, TidyFailure> {
        self.writes.worked(work.writes.len());
        self.pages.worked(work.reads.pages());
        self.redeem_writes(work.writes, answer).await?;
        self.redeem_reads(work.reads, answer).await
    }

    /// A request with `work` brought no answer: what it may have done is looked at, never repeated
    /// blindly.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn lost(&mut self, work: Work, failure: &CallFailure) -> Result<(), TidyFailure> {
        let problem = match failure {
            CallFailure::Problem(problem) => Some(problem),
            _ => None,
        };
        let processed = problem.is_some_and(Problem::may_have_been_processed);
        let answered = matches!(problem, Some(Problem::Failed(_) | Problem::Unclear(_)));
        if processed {
            self.writes.shrink(work.writes.len());
            self.pages.shrink(work.reads.pages());
        } else {
            let sent: Vec<u64> = work.writes.iter().map(|it| it.contact.id).collect();
            self.books.not_made(&sent).await?;
        }
        let wrote = work.writes();
        if let CallFailure::MustWait { until, why } = failure {
            let items = work.writes.corrections().into_iter().map(|it| it.item);
            self.ledger.put_off(items.collect(), *until).await?;
            if wrote {
                self.waits = Some(Wait {
                    until: *until,
                    why: why.clone(),
                });
            }
        } else {
            for mut correction in work.writes.corrections() {
                if answered {
                    correction.was_refused_again();
                }
                self.look_again(correction.item).await?;
            }
        }
        let read = work.reads.items();
        if answered && !wrote {
            return self.divide(read).await;
        }
        self.to_read.extend(read);
        Ok(())
    }

    // --- How far the pass has come.

    /// Whether no contact is in hand.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.to_read.is_empty() && self.to_write.is_empty()
    }

    /// Contacts in hand.
    #[must_use]
    pub fn in_hand(&self) -> usize {
        self.to_read.len() + self.to_write.len()
    }

    /// When the first contact may be read that has to wait for the next second.
    #[must_use]
    pub fn next_look(&self) -> Option<Timestamp> {
        self.to_read.iter().filter_map(|item| item.not_before).min()
    }

    /// What has to wait, and until when.
    #[must_use]
    pub fn waits(&self) -> Option<&Wait> {
        self.waits.as_ref()
    }

    /// The same, which is over once it was waited for.
    pub fn take_wait(&mut self) -> Option<Wait> {
        self.waits.take()
    }

    /// Whether what comes in has to wait before it can be written.
    #[must_use]
    pub fn has_to_wait(&self) -> bool {
        self.waits.is_some() || self.portal.writes_wait().is_some()
    }

    /// Whether the brake was engaged in this pass.
    #[must_use]
    pub fn is_braked(&self) -> bool {
        self.braked
    }

    /// Decides about contacts whose write was denied, once everything else is done or there are many.
    /// Answers whether something was decided.
    ///
    /// # Errors
    /// [`TidyFailure::MayNotWrite`]: their events stay ours, and hold up nobody.
    pub async fn decide_denied(&mut self, all_done: bool) -> Result<bool, TidyFailure> {
        if !self.denied.is_due(all_done) {
            return Ok(false);
        }
        match self.denied.decide().await? {
            Meaning::These(contacts) => {
                for (item, reason) in contacts {
                    self.ledger.parked(item, &reason).await?;
                }
                Ok(true)
            }
            Meaning::Account(items) => {
                let until = after(self.portal.now(), DENIED_AGAIN_SECONDS);
                self.ledger.put_off(items, until).await?;
                Err(TidyFailure::MayNotWrite)
            }
        }
    }

    /// What is to be given back to the queue.
    pub fn handled(&mut self) -> Vec<Handled> {
        self.ledger.handled()
    }

    /// What was found since this was asked last, where the purpose is to tell.
    pub fn findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    /// Contacts looked at.
    #[must_use]
    pub fn judged(&self) -> u64 {
        self.judged
    }

    /// Contacts changed.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.changed
    }

    /// Contacts put on the list of failures.
    #[must_use]
    pub fn parked(&self) -> u64 {
        self.ledger.count_parked()
    }

    /// Contacts that could not be done, with the reason, where no list keeps them.
    pub fn refused(&mut self) -> Vec<(u64, String)> {
        self.ledger.refused()
    }

    /// Contacts that wait, where no list keeps them.
    pub fn put_off(&mut self) -> Vec<u64> {
        self.ledger.take_put_off()
    }

    /// These wait all the same.
    pub fn still_put_off(&mut self, contacts: Vec<u64>) {
        self.ledger.still_put_off(contacts);
    }

    /// Whether a chunk of a gap's sweep is in hand.
    #[must_use]
    pub fn is_sweeping(&self) -> bool {
        self.gap.is_under_way()
    }

    /// Whether a contact without a row had to be put off since this was asked last.
    pub fn take_unsettled(&mut self) -> bool {
        self.ledger.take_unsettled()
    }

    // --- Judging.

    /// What these contacts need, where nothing asks to leave them alone now.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn wanted(
        &mut self,
        read: &[Contact],
    ) -> Result<HashMap<u64, Vec<FieldChange>>, TidyFailure> {
        let alone = self.left_alone(read.iter().map(|contact| contact.id)).await?;
        let mut wanted = HashMap::new();
        for contact in read {
            if !self.ledger.contests().has_truce(contact.id) {
                wanted.insert(contact.id, self.needed(contact, &alone));
            }
        }
        wanted.retain(|_, changes| !changes.is_empty());
        Ok(wanted)
    }

    /// Decides what a freshly read contact needs.
    async fn judge(
        &mut self,
        item: Item,
        contact: Contact,
        alone: &LeftAlone,
    ) -> Result<(), TidyFailure> {
        self.judged += u64::from(item.looks == 0);
        if self.purpose.writes() {
            if let Some(changes) = self.books.resolve(&contact).await? {
                self.changed += 1;
                self.tell(contact.id, changes);
            }
            self.forget_what_changed(&contact, alone).await?;
        }
        let changes = match self.purpose.puts_back(&contact) {
            Some(changes) => changes,
            None => self.needed(&contact, alone),
        };
        if changes.is_empty() || self.is_contested(&contact, &changes).await? {
            return Ok(self.ledger.settled(item).await?);
        }
        if !self.purpose.writes() {
            self.tell(contact.id, changes);
            return Ok(());
        }
        self.to_write.push_back(Correction {
            item,
            contact,
            changes,
        });
        Ok(())
    }

    async fn is_contested(
        &mut self,
        contact: &Contact,
        changes: &[FieldChange],
    ) -> Result<bool, TidyFailure> {
        if !self.purpose.yields() {
            return Ok(false);
        }
        let begins = self.purpose.writes();
        let contests = self.ledger.contests();
        Ok(contests.keeps_from(contact.id, changes, begins).await?)
    }

    /// The changes that the rules ask for, where nobody has asked to leave things as they are.
    fn needed(&self, contact: &Contact, alone: &LeftAlone) -> Vec<FieldChange> {
        if alone.contact(contact.id) {
            return Vec::new();
        }
        changes(
            &self.engine,
            &self.portal.config.fields,
            |field| contact.fields.get(field.as_str()).map(String::as_str),
            |field, value| alone.value(contact.id, field.as_str(), value),
        )
    }

    /// What of these contacts is to be left alone.
    async fn left_alone(
        &self,
        contacts: impl IntoIterator<Item = u64>,
    ) -> Result<LeftAlone, TidyFailure> {
        let ids: Vec<u64> = contacts.into_iter().collect();
        let store = self.portal.store();
        Ok(store.left_alone(self.portal.id, &ids).await?)
    }

    /// Values that were to be left alone until they change, and have changed.
    async fn forget_what_changed(
        &self,
        contact: &Contact,
        alone: &LeftAlone,
    ) -> Result<(), TidyFailure> {
        let value = |field: &str| contact.fields.get(field).map(String::as_str);
        let outdated = alone.outdated(contact.id, value);
        let (store, portal) = (self.portal.store(), self.portal.id);
        Ok(store.forget_left_alone(portal, contact.id, &outdated).await?)
    }

    fn tell(&mut self, contact_id: u64, changes: Vec<FieldChange>) {
        if self.purpose.is_told() {
            self.findings.push(Finding {
                contact_id,
                changes,
            });
        }
    }

    fn puts_back(&self) -> bool {
        matches!(self.purpose, Purpose::PutBack { .. })
    }

    // --- Reading.

    async fn redeem_reads(
        &mut self,
        reads: Reads,
        answer: &mut BatchAnswer,
    ) -> Result<Option<Problem>, TidyFailure> {
        let family = reads.family();
        let (read, proof) = reads.redeem(answer);
        if let Some((contact, reply)) = proof {
            self.guards.conclude(contact, family, reply).await?;
        }
        self.check_rights(&read).await?;
        let found = read.iter().filter_map(|read| match read {
            Read::Found(_, contact) => Some(contact.id),
            _ => None,
        });
        let alone = self.left_alone(found).await?;
        let mut trouble = None;
        for read in read {
            match read {
                Read::Found(item, contact) => self.judge(item, contact, &alone).await?,
                Read::Unlisted(mut item) => {
                    item.missing_from_list = true;
                    self.to_read.push(item);
                }
                Read::GetFailed(item, problem) => self.meet(item, problem).await?,
                Read::PageFailed(items, problem) => match of_many(problem) {
                    Verdict::Blocked => self.reads_blocked(items).await?,
                    Verdict::Everybody(problem) => return Err(problem.into()),
                    Verdict::LookAgain(problem)
                    | Verdict::Denied(problem)
                    | Verdict::Refused(problem) => {
                        trouble = Some(problem);
                        self.divide(items).await?;
                    }
                    Verdict::Gone => self.divide(items).await?,
                },
            }
        }
        Ok(trouble)
    }

    /// Reads each half of these contacts without the other. What is ignored is not read again.
    async fn divide(&mut self, items: Vec<Item>) -> Result<(), TidyFailure> {
        let alone = self.left_alone(items.iter().map(|item| item.contact_id)).await?;
        let (ignored, items): (Vec<Item>, Vec<Item>) = items
            .into_iter()
            .partition(|item| alone.contact(item.contact_id));
        for item in ignored {
            self.ledger.settled(item).await?;
        }
        self.to_read.extend(divide(items));
        Ok(())
    }

    fn suspect(&mut self, contact: u64) {
        if self.suspects.len() < MOST_SUSPECTS {
            self.suspects.insert(contact);
        }
    }

    /// Where all that was read by get was denied, and nothing else was found: is it the account?
    async fn check_rights(&mut self, read: &[Read]) -> Result<(), TidyFailure> {
        let denied = |read: &&Read| matches!(read, Read::GetFailed(_, Problem::Denied(_)));
        let denied = read.iter().filter(denied).count();
        if denied == 0 || self.judged > 0 || self.asked_for_rights {
            return Ok(());
        }
        let alone = read.iter().all(|read| matches!(read, Read::GetFailed(..)));
        if !alone {
            return Ok(());
        }
        self.asked_for_rights = true;
        let may_read = if denied < DENIED_FOR_ALL {
            // Of a single contact only one that we have written before can tell.
            match self.last_written().await? {
                Some(known) => self.may_read(known).await?,
                None => true,
            }
        } else {
            self.may_read_any().await?
        };
        if may_read {
            return Ok(());
        }
        Err(TidyFailure::MayNotRead)
    }

    /// The contact that we have written last.
    async fn last_written(&self) -> Result<Option<u64>, TidyFailure> {
        let mut last = None;
        let (store, portal) = (self.portal.store(), self.portal.id);
        store
            .for_each_change(portal, &ChangeFilter::default(), |change| {
                last = Some(change.sent.contact_id);
                ControlFlow::Break(())
            })
            .await?;
        Ok(last)
    }

    async fn may_read(&self, contact: u64) -> Result<bool, TidyFailure> {
        let get = contacts::get(self.portal.contacts(), contact);
        match self.portal.call(&get, Repeat::Freely).await {
            Err(CallFailure::Problem(problem)) => match verdict(problem) {
                Verdict::Denied(_) => Ok(false),
                Verdict::Everybody(problem) => Err(problem.into()),
                _ => Ok(true),
            },
            Err(failure) => Err(failure.into()),
            Ok(_) => Ok(true),
        }
    }

    async fn may_read_any(&self) -> Result<bool, TidyFailure> {
        let family = self.portal.contacts();
        let first = contacts::walk(family, 0, None);
        let reply = self.portal.call(&first, Repeat::Freely).await?;
        Ok(!contacts::read_list(family, reply.result, None)?.is_empty())
    }

    async fn reads_blocked(&mut self, items: Vec<Item>) -> Result<(), TidyFailure> {
        let family = self.portal.contacts();
        let until = self
            .portal
            .blocked_until(family.list())
            .max(self.portal.blocked_until(family.get()))
            .unwrap_or(self.portal.now());
        self.wait(until);
        Ok(self.ledger.put_off(items, until).await?)
    }

    fn wait(&mut self, until: Timestamp) {
        self.waits = Some(Wait {
            until,
            why: Problem::MethodBlocked.to_string(),
        });
    }

    // --- Writing.

    /// As many contacts as the portal writes in the configured time, by the measured cost.
    fn most_contacts(&self) -> usize {
        let family = self.portal.contacts();
        let cost = self.portal.cost(Step::guard(family)) + self.portal.cost(Step::update(family));
        let most = self.writes.fit(self.portal.config.batch_seconds, cost);
        self.portal.writes_that_fit(most)
    }

    /// Notices before a request is composed that writes would have to wait for long: they are put off
    /// without being counted as tries, while reserving, reading and acknowledging go on.
    async fn notice_wait(&mut self) -> Result<(), TidyFailure> {
        let now = self.portal.now();
        self.waits = self.waits.take().filter(|wait| wait.until > now);
        if self.to_write.is_empty() {
            return Ok(());
        }
        if self.waits.is_none() {
            let wait = self.portal.writes_wait();
            self.waits = wait.map(|(until, why)| Wait { until, why });
        }
        if let Some(wait) = &self.waits {
            let waiting = std::mem::take(&mut self.to_write);
            let items = waiting.into_iter().map(|correction| correction.item);
            self.ledger.put_off(items.collect(), wait.until).await?;
        }
        Ok(())
    }

    async fn write_plainly(&mut self, correction: Correction) -> Result<(), TidyFailure> {
        let id = correction.contact.id;
        // Before the read, which has to be the last thing before the write.
        self.books.sending([&correction], self.puts_back()).await?;
        self.brake.sent(1);
        match plain::write(&self.portal, &correction).await {
            Plain::Written => self.written(vec![correction]).await,
            Plain::Changed(fresh) => {
                self.books.not_made(&[id]).await?;
                let alone = self.left_alone([id]).await?;
                self.judge(correction.item, fresh, &alone).await
            }
            Plain::Unanswered(problem) => self.write_failed(correction, problem).await,
            Plain::NotWritten(failure) => {
                self.books.not_made(&[id]).await?;
                match failure {
                    CallFailure::Problem(problem)
                        if !problem.is_unreachable() || problem.may_have_been_processed() =>
                    {
                        self.write_failed(correction, problem).await
                    }
                    CallFailure::MustWait { until, why } => {
                        self.waits = Some(Wait { until, why });
                        self.to_write.push_front(correction);
                        Ok(())
                    }
                    other => Err(other.into()),
                }
            }
        }
    }

    /// Settles what the conditional pairs of a request answered.
    async fn redeem_writes(
        &mut self,
        writes: Writes,
        answer: &mut BatchAnswer,
    ) -> Result<(), TidyFailure> {
        let (mut written, mut untouched, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for (mut correction, outcome) in writes.redeem(answer) {
            match outcome {
                Guarded::Written => written.push(correction),
                Guarded::Touched => untouched.push((correction, true)),
                // The guard did not refuse: it failed, which says nothing of guards.
                Guarded::Unguarded => untouched.push((correction, false)),
                Guarded::Misread => {
                    correction.item.plainly = true;
                    untouched.push((correction, true));
                }
                Guarded::Failed(problem) => failed.push((correction, problem)),
            }
        }
        if !written.is_empty() {
            self.guards.held();
        }
        let wrote = !written.is_empty();
        self.written(written).await?;
        let ids: Vec<u64> = untouched.iter().map(|(it, _)| it.contact.id).collect();
        self.books.not_made(&ids).await?;
        for (mut correction, refused) in untouched {
            let again = correction.was_refused_again();
            if refused && (again || correction.item.plainly) {
                self.guards.refused_falsely().await?;
            }
            self.look_again(correction.item).await?;
        }
        for (correction, problem) in failed {
            if !problem.may_have_been_processed() {
                self.books.not_made(&[correction.contact.id]).await?;
            }
            self.write_failed(correction, problem).await?;
        }
        if wrote {
            self.denied.success();
        }
        Ok(())
    }

    async fn write_failed(
        &mut self,
        correction: Correction,
        problem: Problem,
    ) -> Result<(), TidyFailure> {
        match verdict(problem) {
            Verdict::Blocked => {
                let method = correction.contact.family.update();
                let until = self.portal.blocked_until(method);
                let until = until.unwrap_or(self.portal.now());
                self.wait(until);
                Ok(self.ledger.put_off(vec![correction.item], until).await?)
            }
            Verdict::Denied(problem) if self.purpose.keeps_failures() => {
                self.denied.add(correction.item, &problem);
                Ok(())
            }
            Verdict::LookAgain(_) => self.stumble(correction.item).await,
            verdict => self.conclude(correction.item, verdict).await,
        }
    }

    async fn written(&mut self, corrections: Vec<Correction>) -> Result<(), TidyFailure> {
        if corrections.is_empty() {
            return Ok(());
        }
        let ids: Vec<u64> = corrections.iter().map(|it| it.contact.id).collect();
        self.books.made(&ids).await?;
        self.denied.success();
        for correction in corrections {
            self.log_written(&correction);
            self.changed += 1;
            self.ledger.settled(correction.item).await?;
            self.tell(correction.contact.id, correction.changes);
        }
        Ok(())
    }

    fn log_written(&self, correction: &Correction) {
        let config = &self.portal.config;
        let (portal, contact) = (config.name.as_str(), correction.contact.id);
        if !config.log_personal_data {
            let fields = correction.changes.len();
            return tracing::debug!(portal, contact, fields, "written");
        }
        for change in &correction.changes {
            let field = change.field.as_str();
            tracing::info!(portal, contact, field, old = ?change.old, new = ?change.new, "written");
        }
    }

    // --- What becomes of a contact that met a problem.

    /// A contact that was read met a problem.
    async fn meet(&mut self, item: Item, problem: Problem) -> Result<(), TidyFailure> {
        self.conclude(item, verdict(problem)).await
    }

    /// What a verdict means for a contact, for all sources and purposes.
    async fn conclude(&mut self, item: Item, verdict: Verdict) -> Result<(), TidyFailure> {
        match verdict {
            Verdict::Gone => Ok(self.ledger.settled(item).await?),
            Verdict::Blocked => self.reads_blocked(vec![item]).await,
            Verdict::Everybody(problem) => Err(problem.into()),
            Verdict::LookAgain(problem) if item.is_lone() => self.stumble_alone(item, &problem).await,
            Verdict::LookAgain(_) => self.stumble(item).await,
            Verdict::Denied(problem) => Ok(self.ledger.parked(item, &problem.to_string()).await?),
            // What the portal refuses about everybody is no fault of this one.
            Verdict::Refused(problem) if item.is_lone() && self.judged == 0 => {
                self.stumble_alone(item, &problem).await
            }
            Verdict::Refused(problem) => Ok(self.ledger.parked(item, &problem.to_string()).await?),
        }
    }

    /// A temporary problem of one contact: one more look at once, then it is put off, so that it never
    /// holds up the others.
    async fn stumble(&mut self, mut item: Item) -> Result<(), TidyFailure> {
        item.stumbles += 1;
        if item.stumbles > 1 {
            return Ok(self.ledger.failed(item).await?);
        }
        self.look_again(item).await
    }

    /// The one that a page could not be read with cannot be read by itself either. Where others can, it
    /// is refused like any other.
    async fn stumble_alone(&mut self, mut item: Item, problem: &Problem) -> Result<(), TidyFailure> {
        item.stumbles += 1;
        if item.stumbles == 1 {
            return self.look_again(item).await;
        }
        let proven = self.judged > 0 || item.attempts() >= ATTEMPTS_ENOUGH || item.rows.is_empty();
        if !proven {
            return Ok(self.ledger.failed(item).await?);
        }
        self.suspect(item.contact_id);
        let reason = format!("it cannot be read: {problem}");
        Ok(self.ledger.parked(item, &reason).await?)
    }

    /// Puts a contact back to be read again, or off where that has not helped often enough.
    async fn look_again(&mut self, mut item: Item) -> Result<(), TidyFailure> {
        item.looks += 1;
        if item.looks > MOST_LOOKS {
            return Ok(self.ledger.failed(item).await?);
        }
        self.to_read.push(item);
        Ok(())
    }
}
