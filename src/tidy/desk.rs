//! The work on the contacts of one portal, all of it together: where contacts come in, and what becomes
//! of them.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use super::{
    denied::{Denied, Meaning},
    failure::TidyFailure,
    family::{Families, ITEMS},
    gap::Gap,
    item::{Correction, Item, group},
    judge::Judge,
    ledger::Ledger,
    purpose::{Finding, Purpose},
    read::{Read, Reads},
    reading::Reading,
    rights::Rights,
    verdict::{Verdict, is_said, of_many, verdict},
    wait::Wait,
    walk::{Walk, Walked},
    write::Writes,
    writing::{Plainly, Writing, Wrote},
};
use crate::{
    bitrix::{
        Batch, BatchAnswer, Problem,
        contacts::{self, Contact, Family},
    },
    clock::after,
    contact::FieldChange,
    portal::{CallFailure, Portal, Repeat, RetryPolicy},
    queue::{Handled, Row},
    store::{LeftAlone, PortalRecord, RunTotals},
};

/// How often a contact is read in one pass before it is put off.
const MOST_LOOKS: u32 = 6;

/// Contacts that an account without rights could not write are tried again this much later, in seconds.
const DENIED_AGAIN_SECONDS: f64 = 300.0;

/// After so many tries in vain a contact that is read alone counts as refused, whatever else works.
const ATTEMPTS_ENOUGH: u32 = 4;

/// The work on the contacts of one portal.
pub struct Tidy {
    portal: Arc<Portal>,
    judge: Judge,
    families: Families,
    reading: Reading,
    writing: Writing,
    ledger: Ledger,
    denied: Denied,
    rights: Rights,
    walk: Walk,
    gap: Gap,
    /// Nothing can be written, or read, before then.
    waits: Option<Wait>,
    findings: Vec<Finding>,
    judged: u64,
    changed: u64,
}

/// What a request does about contacts.
#[derive(Debug)]
pub struct Work {
    writes: Writes,
    reads: Option<Reads>,
}

impl Work {
    /// Whether it writes: such a request is never repeated as it is.
    #[must_use]
    pub fn writes(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Whether it reads contacts over which a request has failed: asking the same again will not help.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.reads.as_ref().is_some_and(Reads::is_doubtful)
    }
}

/// How a gap's sweep goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweptGap {
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
            judge: Judge::new(portal.clone()),
            families: Families::new(portal.clone()),
            reading: Reading::new(portal.clone()),
            writing: Writing::new(portal.clone()),
            ledger: Ledger::new(portal.clone()),
            denied: Denied::new(portal.clone()),
            rights: Rights::new(portal.clone()),
            walk: Walk::new(portal.clone()),
            gap: Gap::new(portal.clone()),
            waits: None,
            findings: Vec::new(),
            judged: 0,
            changed: 0,
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
        self.forget();
        self.writing.begin(purpose.puts_anything_back());
        self.families.load(record.facts);
        self.writing.guards.load(record.facts);
        self.writing.books.begin(purpose.kind(walked));
        self.denied.begin();
        self.rights.begin();
        self.gap.begin();
        self.ledger.begin(purpose.keeps_failures()).await?;
        let brake = &mut self.writing.brake;
        let braked = if purpose.is_braked() {
            brake.look(record.braked_until).await?
        } else {
            brake.release();
            None
        };
        self.judge.begin(purpose);
        Ok(braked)
    }

    /// Drops what is in hand, and what was counted.
    pub fn forget(&mut self) {
        self.reading.clear();
        self.writing.clear();
        self.ledger.forget();
        self.findings.clear();
        self.waits = None;
        (self.judged, self.changed) = (0, 0);
    }

    /// Learns which writes of earlier processes were never answered.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn load_unanswered(&mut self) -> Result<(), TidyFailure> {
        Ok(self.writing.books.load().await?)
    }

    /// Closes the pass in the history. One that did nothing is noted only where it `is_a_drain`.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn end(
        &mut self,
        totals: RunTotals,
        outcome: &str,
        is_a_drain: bool,
    ) -> Result<(), TidyFailure> {
        let books = &mut self.writing.books;
        Ok(books.end(totals, outcome, is_a_drain).await?)
    }

    // --- Surveys.

    /// Asks by which methods contacts can be read and written.
    pub fn put_look(&self, batch: &mut Batch) {
        batch.push(ITEMS, &contacts::question());
    }

    /// Takes in the answer, and goes over to these methods where others were in use.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn redeem_look(&mut self, answer: &mut BatchAnswer) -> Result<(), TidyFailure> {
        if self.families.learn(answer.take(ITEMS)).await? {
            self.writing.guards.forget();
        }
        Ok(())
    }

    /// Asks the same for work that only shows: nothing is remembered.
    ///
    /// # Errors
    /// A failure of the request.
    pub async fn look(&mut self, record: &PortalRecord) -> Result<(), TidyFailure> {
        let call = contacts::question();
        let answer = match self.portal.call(&call, Repeat::Freely).await {
            Err(CallFailure::Problem(problem)) => Err(problem),
            other => Ok(other?),
        };
        self.families.look(record.facts, answer);
        Ok(())
    }

    // --- Sources.

    /// Takes rows of the queue in hand. Those that name no contact are given back as settled: nothing can
    /// be done about them.
    pub fn take_rows(&mut self, rows: Vec<Row>) -> Option<Handled> {
        let (items, nameless) = group(rows);
        self.reading.take(items);
        (!nameless.is_empty()).then_some(Handled::Settled(nameless))
    }

    /// Takes contacts in hand that no row speaks of.
    pub fn take_contacts(&mut self, contacts: impl IntoIterator<Item = u64>) {
        let items = contacts.into_iter().map(Item::without_rows);
        self.reading.take(items);
    }

    /// The contacts that are due without an event: refused ones whose time has come, `most` at most,
    /// and those whose truce is over. None while nothing could be written.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn due_contacts(&mut self, most: u32) -> Result<Vec<u64>, TidyFailure> {
        if self.judge.purpose().writes() && self.portal.writes_wait().is_some() {
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

    /// What these contacts need, where nothing asks to leave them alone now.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn wanted(
        &mut self,
        read: &[Contact],
    ) -> Result<HashMap<u64, Vec<FieldChange>>, TidyFailure> {
        let ids = read.iter().map(|contact| contact.id);
        let alone = self.judge.left_alone(ids).await?;
        let mut wanted = HashMap::new();
        for contact in read {
            let changes = self.judge.needs(contact, &alone);
            if !changes.is_empty() && !self.ledger.contests().has_truce(contact.id) {
                wanted.insert(contact.id, changes);
            }
        }
        Ok(wanted)
    }

    /// Takes contacts in hand that were just read.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn take_read(&mut self, read: Vec<Contact>) -> Result<(), TidyFailure> {
        let ids = read.iter().map(|contact| contact.id);
        let alone = self.judge.left_alone(ids).await?;
        for contact in read {
            let item = Item::without_rows(contact.id);
            self.take_in(item, contact, &alone).await?;
        }
        Ok(())
    }

    /// Takes a contact in hand that no list can show.
    pub fn take_lone(&mut self, contact: u64) {
        self.reading.suspect(contact);
        self.take_contacts([contact]);
    }

    /// The next step of the sweep that a gap demands, everything else being done.
    ///
    /// # Errors
    /// A failure of the portal or the state file.
    pub async fn sweep_gap(&mut self) -> Result<SweptGap, TidyFailure> {
        if self.gap.is_under_way() {
            if self.ledger.take_unsettled() || self.waits.is_some() {
                self.gap.unsettled(self.waits.as_ref());
                return Ok(SweptGap::Nothing);
            }
            self.gap.settled().await?;
            return Ok(SweptGap::Done);
        }
        // What is read while nothing can be written would only be read again.
        if self.has_to_wait() {
            return Ok(SweptGap::Nothing);
        }
        let Some((swept_to, since)) = self.gap.next().await? else {
            return Ok(SweptGap::Nothing);
        };
        let stretch = match self.walk(swept_to, Some(since)).await? {
            Walked::Stretch(stretch) => stretch,
            Walked::Wait(wait) => {
                self.waits = Some(wait);
                return Ok(SweptGap::Nothing);
            }
        };
        self.gap.took(&stretch);
        self.ledger.take_unsettled();
        if let Some(contact) = stretch.lone {
            self.take_lone(contact);
        }
        self.take_read(stretch.contacts).await?;
        Ok(SweptGap::InHand)
    }

    /// Whether a chunk of a gap's sweep is in hand.
    #[must_use]
    pub fn is_sweeping(&self) -> bool {
        self.gap.is_under_way()
    }

    /// When the sweep of a gap goes on, where one is open.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn gap_goes_on(&self) -> Result<Option<Timestamp>, TidyFailure> {
        Ok(self.gap.goes_on().await?)
    }

    // --- What a request carries.

    /// Writes the correction in front where it may not travel in a batch; puts off what has to wait.
    /// Answers whether a request was sent.
    ///
    /// # Errors
    /// A [`TidyFailure`].
    pub async fn write_next_plainly(&mut self) -> Result<bool, TidyFailure> {
        let now = self.portal.now();
        let known = self.waits.take().filter(|wait| wait.until > now);
        self.waits = self.writing.wait(known).await?;
        if let Some(wait) = &self.waits {
            let items = self.writing.give_up();
            self.ledger.put_off(items, wait.until).await?;
        }
        match self.writing.next_plainly().await? {
            None => return Ok(false),
            Some(Plainly::NotYet) => {}
            Some(Plainly::Waits(wait)) => self.waits = Some(wait),
            Some(Plainly::Done(wrote)) => self.conclude_writes(vec![*wrote]).await?,
        }
        Ok(true)
    }

    /// Puts as many guarded writes, and behind them reads, into a request as fit and are due.
    ///
    /// # Errors
    /// A fault of the state file: the request must not be sent.
    pub async fn put(&mut self, batch: &mut Batch) -> Result<Work, TidyFailure> {
        let writes = self.writing.put(batch).await?;
        let mut unproven = Family::ALL.to_vec();
        let (writes_at_all, guards) = (self.judge.purpose().writes(), &self.writing.guards);
        unproven.retain(|family| writes_at_all && guards.need_proof(*family));
        let reads = self.writing.is_empty();
        let reads = reads.then(|| self.reading.put(unproven, batch));
        Ok(Work { writes, reads })
    }

    /// Whether a request with `work` has room for what a reservation may bring.
    #[must_use]
    pub fn leaves_room(&self, work: &Work) -> bool {
        self.is_idle() && work.reads.as_ref().is_none_or(Reads::is_empty)
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
        let wrote = self.writing.redeem(work.writes, answer).await?;
        self.conclude_writes(wrote).await?;
        match work.reads {
            None => Ok(None),
            Some(reads) => self.redeem_reads(reads, answer).await,
        }
    }

    /// A request with `work` brought no answer: what it may have done is looked at, never repeated
    /// blindly.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn lost(&mut self, work: Work, failure: &CallFailure) -> Result<(), TidyFailure> {
        let wrote = work.writes();
        let items = self.writing.lost(work.writes, failure).await?;
        if let CallFailure::MustWait { until, why } = failure {
            self.ledger.put_off(items, *until).await?;
            if wrote {
                self.waits = Some(Wait {
                    until: *until,
                    why: why.to_string(),
                });
            }
        } else {
            for item in items {
                self.look_again(item).await?;
            }
        }
        let Some(reads) = work.reads else {
            return Ok(());
        };
        let problem = match failure {
            CallFailure::Problem(problem) => Some(problem),
            _ => None,
        };
        if problem.is_some_and(Problem::may_have_been_processed) {
            self.reading.lost(&reads);
        }
        if let Some(problem) = problem.filter(|problem| is_said(problem) && !wrote) {
            let mut items = reads.items();
            if items.len() == 1
                && let Some(item) = items.pop_if(|item| item.is_lone())
            {
                return self.stumble_alone(item, problem).await;
            }
            return self.divide(items).await;
        }
        for item in reads.items() {
            self.reading.again(item);
        }
        Ok(())
    }

    // --- How far the pass has come.

    /// Whether no contact is in hand.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.reading.is_empty() && self.writing.is_empty()
    }

    /// Contacts in hand.
    #[must_use]
    pub fn in_hand(&self) -> usize {
        self.reading.len() + self.writing.len()
    }

    /// When the first contact may be read that has to wait for the next second.
    #[must_use]
    pub fn next_look(&self) -> Option<Timestamp> {
        self.reading.next_look()
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
        self.writing.brake.is_engaged()
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

    /// Whether a contact without a row had to be put off since this was asked last.
    pub fn take_unsettled(&mut self) -> bool {
        self.ledger.take_unsettled()
    }

    // --- What becomes of contacts.

    /// A contact was read: it is as it should be, or has to be written, or told of.
    async fn take_in(
        &mut self,
        item: Item,
        contact: Contact,
        alone: &LeftAlone,
    ) -> Result<(), TidyFailure> {
        self.judged += u64::from(item.looks == 0);
        let writes = self.judge.purpose().writes();
        if writes {
            if let Some(changes) = self.writing.books.resolve(&contact).await? {
                self.changed += 1;
                self.tell(contact.id, changes);
            }
            self.judge.forget_what_changed(&contact, alone).await?;
        }
        let changes = self.judge.needs(&contact, alone);
        if changes.is_empty() || self.is_contested(&contact, &changes).await? {
            return Ok(self.ledger.settled(item).await?);
        }
        if writes {
            self.writing.push(Correction {
                item,
                contact,
                changes,
            });
        } else {
            self.tell(contact.id, changes);
        }
        Ok(())
    }

    async fn is_contested(
        &mut self,
        contact: &Contact,
        changes: &[FieldChange],
    ) -> Result<bool, TidyFailure> {
        let purpose = self.judge.purpose();
        if !purpose.yields() {
            return Ok(false);
        }
        let (begins, contests) = (purpose.writes(), self.ledger.contests());
        Ok(contests.keeps_from(contact.id, changes, begins).await?)
    }

    fn tell(&mut self, contact_id: u64, changes: Vec<FieldChange>) {
        if self.judge.purpose().is_told() {
            self.findings.push(Finding {
                contact_id,
                changes,
            });
        }
    }

    async fn redeem_reads(
        &mut self,
        reads: Reads,
        answer: &mut BatchAnswer,
    ) -> Result<Option<Problem>, TidyFailure> {
        self.reading.worked(&reads);
        let (read, proof) = reads.redeem(answer);
        if let Some(proof) = proof {
            let guards = &mut self.writing.guards;
            guards
                .conclude(proof.contact_id, proof.family, proof.answer)
                .await?;
        }
        if self.judged == 0 {
            self.rights.check(&read).await?;
        }
        let found = read.iter().filter_map(|read| match read {
            Read::Found(_, contact) => Some(contact.id),
            _ => None,
        });
        let alone = self.judge.left_alone(found).await?;
        let mut trouble = None;
        for read in read {
            match read {
                Read::Found(item, contact) => self.take_in(item, contact, &alone).await?,
                Read::Unlisted(mut item) => {
                    item.missing_from_list = true;
                    self.reading.again(item);
                }
                Read::GetFailed(item, problem) => self.conclude(item, verdict(problem)).await?,
                Read::PageFailed(items, problem) => match of_many(problem.clone()) {
                    Verdict::Blocked => self.reads_blocked(items).await?,
                    Verdict::Everybody(problem) => return Err(problem.into()),
                    _ => {
                        trouble = Some(problem);
                        self.divide(items).await?;
                    }
                },
            }
        }
        Ok(trouble)
    }

    /// Reads each half of these contacts without the other. What is ignored is not read again.
    async fn divide(&mut self, items: Vec<Item>) -> Result<(), TidyFailure> {
        let ids = items.iter().map(|item| item.contact_id);
        let alone = self.judge.left_alone(ids).await?;
        let (ignored, items): (Vec<Item>, Vec<Item>) = items
            .into_iter()
            .partition(|item| alone.contact(item.contact_id));
        for item in ignored {
            self.ledger.settled(item).await?;
        }
        self.reading.divide(items);
        Ok(())
    }

    async fn conclude_writes(&mut self, wrote: Vec<Wrote>) -> Result<(), TidyFailure> {
        let mut written = Vec::new();
        for wrote in wrote {
            match wrote {
                Wrote::Written(correction) => written.push(correction),
                Wrote::Again(item) => self.look_again(item).await?,
                Wrote::Changed(item, contact) => {
                    let alone = self.judge.left_alone([contact.id]).await?;
                    self.take_in(item, contact, &alone).await?;
                }
                Wrote::Failed(correction, problem) => {
                    self.write_failed(correction, problem).await?;
                }
            }
        }
        self.written(written).await
    }

    async fn write_failed(
        &mut self,
        correction: Correction,
        problem: Problem,
    ) -> Result<(), TidyFailure> {
        match verdict(problem) {
            Verdict::Blocked => {
                let until = self.writing.blocked_until(&correction);
                self.put_off_blocked(vec![correction.item], until).await
            }
            Verdict::Denied(problem) if self.judge.purpose().keeps_failures() => {
                self.denied.add(correction.item, &problem);
                Ok(())
            }
            // It was read just now: this is about writing.
            Verdict::LookAgain(_) => self.stumble(correction.item).await,
            verdict => self.conclude(correction.item, verdict).await,
        }
    }

    async fn written(&mut self, corrections: Vec<Correction>) -> Result<(), TidyFailure> {
        if corrections.is_empty() {
            return Ok(());
        }
        let ids: Vec<u64> = corrections.iter().map(|it| it.contact.id).collect();
        self.writing.books.made(&ids).await?;
        self.denied.success();
        for correction in corrections {
            log_written(&self.portal, &correction);
            self.changed += 1;
            self.ledger.settled(correction.item).await?;
            self.tell(correction.contact.id, correction.changes);
        }
        Ok(())
    }

    /// What a verdict means for a contact, for all sources and purposes.
    async fn conclude(&mut self, item: Item, verdict: Verdict) -> Result<(), TidyFailure> {
        match verdict {
            Verdict::Gone => match self.families.further().filter(|_| item.by.is_none()) {
                Some(family) => {
                    self.reading.again(Item {
                        by: Some(family),
                        missing_from_list: true,
                        ..item
                    });
                    Ok(())
                }
                None => Ok(self.ledger.settled(item).await?),
            },
            Verdict::Blocked => self.reads_blocked(vec![item]).await,
            Verdict::Everybody(problem) => Err(problem.into()),
            Verdict::LookAgain(problem) if item.is_lone() => {
                self.stumble_alone(item, &problem).await
            }
            Verdict::LookAgain(_) => self.stumble(item).await,
            // What the portal refuses about everybody is no fault of this one.
            Verdict::Refused(problem) if item.is_lone() && self.judged == 0 => {
                self.stumble_alone(item, &problem).await
            }
            Verdict::Denied(problem) | Verdict::Refused(problem) => {
                Ok(self.ledger.parked(item, &problem.to_string()).await?)
            }
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
    async fn stumble_alone(
        &mut self,
        mut item: Item,
        problem: &Problem,
    ) -> Result<(), TidyFailure> {
        item.stumbles += 1;
        if item.stumbles == 1 {
            return self.look_again(item).await;
        }
        let proven = self.judged > 0 || item.attempts() >= ATTEMPTS_ENOUGH || item.rows.is_empty();
        if !proven {
            return Ok(self.ledger.failed(item).await?);
        }
        self.reading.suspect(item.contact_id);
        let reason = format!("it cannot be read: {problem}");
        Ok(self.ledger.parked(item, &reason).await?)
    }

    /// Puts a contact back to be read again, or off where that has not helped often enough.
    async fn look_again(&mut self, mut item: Item) -> Result<(), TidyFailure> {
        item.looks += 1;
        if item.looks > MOST_LOOKS {
            return Ok(self.ledger.failed(item).await?);
        }
        self.reading.again(item);
        Ok(())
    }

    async fn reads_blocked(&mut self, items: Vec<Item>) -> Result<(), TidyFailure> {
        let family = self.portal.contacts();
        let list = self.portal.blocked_until(family.list());
        let until = list.max(self.portal.blocked_until(family.get()));
        let until = until.unwrap_or(self.portal.now());
        self.put_off_blocked(items, until).await
    }

    async fn put_off_blocked(
        &mut self,
        items: Vec<Item>,
        until: Timestamp,
    ) -> Result<(), TidyFailure> {
        self.waits = Some(Wait {
            until,
            why: Problem::MethodBlocked.to_string(),
        });
        Ok(self.ledger.put_off(items, until).await?)
    }
}

fn log_written(portal: &Portal, correction: &Correction) {
    let (name, contact) = (portal.config.name.as_str(), correction.contact.id);
    if !portal.config.log_personal_data {
        let fields = correction.changes.len();
        return tracing::debug!(portal = name, contact, fields, "written");
    }
    for change in &correction.changes {
        let field = change.field.as_str();
        tracing::info!(portal = name, contact, field, old = ?change.old, new = ?change.new, "written");
    }
}
