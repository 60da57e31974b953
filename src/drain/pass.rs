//! What a pass has in hand.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use jiff::Timestamp;

use super::{
    Finding, Progress,
    contest::Standing,
    task::Task,
    work::{self, Correction, Item, Row, Settled},
};
use crate::{
    bitrix::events::ContactEvent,
    store::{RunId, RunKind, RunTotals, StoredEvent},
};

/// What a pass has in hand. All of it stands in the store as well, so that it may be dropped at any
/// time.
#[derive(Default)]
pub(super) struct Pass {
    pub run: Option<RunId>,
    pub kind: RunKind,
    pub to_read: Vec<Item>,
    pub to_write: VecDeque<Correction>,
    pub settled: Settled,
    pub in_hand: HashSet<u64>,
    /// No more of the queue is fetched in this pass.
    pub drained: bool,
    /// The portal was asked for more, and there was nothing.
    pub emptied: bool,
    pub drain_errors: bool,
    pub failures: u32,
    pub totals: RunTotals,
    pub parked: u64,
    pub writes_wait: Option<(Timestamp, String)>,
    pub deferred: u64,
    /// The last page of the queue was long: more may wait behind it.
    pub is_long: bool,
    /// Events that still wait in the portal's queue, where that was asked.
    pub waiting: Option<u64>,
    /// How far the queue was listed, on a plan without confirmation.
    pub listed_to: BTreeMap<(ContactEvent, bool), u64>,
    /// Contacts that may still be written before the brake is looked at again.
    pub allowance: u32,
    /// The contacts over which there is, or was, a contest.
    pub contests: HashMap<u64, Standing>,
    /// The chunk of the gap's sweep that is in hand: its last contact, and whether it is the last.
    pub chunk: Option<(u64, bool)>,
    /// A contact without rows was put off: what was swept is not complete.
    pub unswept: bool,
    /// Sweeps nothing: another queue has to be drained first.
    pub queue_only: bool,
    /// What the pass is for, where that is not to tidy.
    pub task: Task,
    /// Contacts judged.
    pub judged: u64,
    /// What the task's listener was not told yet.
    pub findings: Vec<Finding>,
    /// Contacts whose write was denied, with the reason.
    pub denied: Vec<(Item, String)>,
    /// Contacts that a task could not settle, with the reason.
    pub refusals: Vec<(u64, String)>,
    /// Contacts without rows that were put off: nothing but this pass remembers them.
    pub put_off: Vec<u64>,
}

impl Pass {
    /// A pass that begins anew, what it has done so far remaining on its account.
    pub(super) fn begun_anew(self) -> Self {
        Self {
            run: self.run,
            kind: self.kind,
            totals: self.totals,
            parked: self.parked,
            ..Self::default()
        }
    }

    /// Whether no contact is in hand.
    pub(super) fn is_idle(&self) -> bool {
        self.to_read.is_empty() && self.to_write.is_empty()
    }

    /// How far it has come.
    pub(super) fn progress(&self) -> Progress {
        Progress {
            events: self.totals.events,
            changed: self.totals.changed,
            in_hand: (self.to_read.len() + self.to_write.len()) as u64,
            waiting: self.waiting,
        }
    }

    /// Takes stored rows in hand.
    pub(super) fn take_up(&mut self, events: Vec<StoredEvent>) {
        self.in_hand.extend(events.iter().map(|event| event.row_id));
        let (items, nameless) = work::group(events);
        self.to_read.extend(items);
        self.settle(nameless);
    }

    /// Has a contact read. One that is put in hand twice is read once, see [`work::one_each`].
    pub(super) fn look_at(&mut self, item: Item) {
        self.to_read.push(item);
    }

    /// These rows are done with: they are acknowledged with the next request.
    pub(super) fn settle(&mut self, rows: Vec<Row>) {
        self.totals.events += rows.len() as u64;
        self.settled.add(rows);
    }
}
