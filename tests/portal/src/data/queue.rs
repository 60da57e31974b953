//! The offline queue's table and its state machine (protocol document, sections 6.1 to 6.3).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::selection::{Condition, Field, Order};
use crate::settings::Purge;

/// Rows older than this (by their last change) are purged, in seconds.
const PURGE_AFTER: i64 = 2_952_000;

/// The id of the client's application inside the portal.
pub const OUR_APP: u64 = 1;

/// One row of the queue's table, of whatever application, connector and state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueRow {
    /// Grows with every insert; 0 in a planted row means "the next one".
    pub id: u64,
    /// Last change, whole Unix seconds; 0 in a planted row means now.
    pub timestamp: i64,
    /// 32 hex digits, constant per event and data; empty in a planted row means "as the portal
    /// computes it".
    pub message_id: String,
    /// Application; 0 in a planted row means the client's.
    pub app_id: u64,
    /// Upper-case event name.
    pub event_name: String,
    /// `{"FIELDS": {"ID": "82"}}`, or `false`.
    pub event_data: Value,
    /// Whoever made the last change; 0 for the system.
    pub user_id: u64,
    /// Empty for a row that nobody reserved.
    pub process_id: String,
    /// Empty for the queue without a connector.
    pub connector_id: String,
    /// Parked by `event.offline.error`.
    pub error: bool,
}

impl QueueRow {
    /// The contact that the row is about, if it is a readable contact event.
    #[must_use]
    pub fn contact_id(&self) -> Option<u64> {
        if !self.event_name.starts_with("ONCRMCONTACT") {
            return None;
        }
        let id = self.event_data.get("FIELDS")?.get("ID")?;
        id.as_u64().or_else(|| id.as_str()?.parse().ok())
    }
}

/// A row with what the referee keeps about it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) row: QueueRow,
    /// Number of the portal's change that the row stands for.
    pub(crate) change: u64,
    /// The client has seen the row through `event.offline.list`.
    pub(crate) listed: bool,
}

/// The rows one call may see.
pub(crate) struct View<'a> {
    pub(crate) connector: &'a str,
    pub(crate) process: Option<&'a str>,
    pub(crate) error: Option<bool>,
}

impl View<'_> {
    fn shows(&self, row: &QueueRow) -> bool {
        row.app_id == OUR_APP
            && row.connector_id == self.connector
            && self.process.is_none_or(|process| row.process_id == process)
            && self.error.is_none_or(|error| row.error == error)
    }
}

/// A change that is to be queued for one handler.
pub(crate) struct Notice {
    pub(crate) event: String,
    pub(crate) data: Value,
    pub(crate) user: u64,
    pub(crate) connector: String,
    pub(crate) change: u64,
}

type Slot = (String, u64, String);

/// The table with its indices.
#[derive(Default)]
pub(crate) struct Queue {
    rows: BTreeMap<u64, Stored>,
    /// The unreserved row of each message, application and connector.
    slots: BTreeMap<Slot, u64>,
    /// Reserved rows by process id.
    processes: BTreeMap<String, BTreeSet<u64>>,
    /// Unreserved rows in the default order of a get.
    waiting: BTreeSet<(i64, u64)>,
    last_id: u64,
    last_purge: i64,
}

impl Queue {
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Stored> {
        self.rows.values()
    }

    pub(crate) fn row(&self, id: u64) -> Option<&Stored> {
        self.rows.get(&id)
    }

    /// Queues a change: merged into the unreserved row of the same message, else a new row.
    pub(crate) fn raise(&mut self, notice: Notice, now: i64) {
        let message_id = message_id(&notice.event, &notice.data);
        let slot = (message_id.clone(), OUR_APP, notice.connector.clone());
        if let Some(id) = self.slots.get(&slot).copied() {
            if let Some(stored) = self.rows.get_mut(&id) {
                self.waiting.remove(&(stored.row.timestamp, id));
                // ERROR stays as it is: a parked row swallows the change.
                stored.row.timestamp = now;
                stored.row.event_data = notice.data;
                stored.row.user_id = notice.user;
                stored.change = notice.change;
                self.waiting.insert((now, id));
            }
            return;
        }
        let row = QueueRow {
            id: 0,
            timestamp: now,
            message_id,
            app_id: OUR_APP,
            event_name: notice.event,
            event_data: notice.data,
            user_id: notice.user,
            process_id: String::new(),
            connector_id: notice.connector,
            error: false,
        };
        self.insert(row, notice.change);
    }

    /// Puts a row into the table as it is; a row in its slot gives way.
    pub(crate) fn plant(&mut self, mut row: QueueRow, now: i64, change: u64) -> u64 {
        if row.timestamp == 0 {
            row.timestamp = now;
        }
        if row.app_id == 0 {
            row.app_id = OUR_APP;
        }
        if row.message_id.is_empty() {
            row.message_id = message_id(&row.event_name, &row.event_data);
        }
        if row.process_id.is_empty()
            && let Some(id) = self.slots.get(&slot_of(&row)).copied()
        {
            self.remove(id);
        }
        self.remove(row.id);
        self.insert(row, change)
    }

    fn insert(&mut self, mut row: QueueRow, change: u64) -> u64 {
        if row.id == 0 {
            row.id = self.last_id + 1;
        }
        let id = row.id;
        // An id that no database gives out does not move the counter.
        if i64::try_from(id).is_ok() {
            self.last_id = self.last_id.max(id);
        }
        self.index(&row);
        let stored = Stored {
            row,
            change,
            listed: false,
        };
        self.rows.insert(id, stored);
        id
    }

    fn index(&mut self, row: &QueueRow) {
        if row.process_id.is_empty() {
            self.slots.insert(slot_of(row), row.id);
            self.waiting.insert((row.timestamp, row.id));
        } else {
            self.processes
                .entry(row.process_id.clone())
                .or_default()
                .insert(row.id);
        }
    }

    fn unindex(&mut self, row: &QueueRow) {
        if row.process_id.is_empty() {
            self.slots.remove(&slot_of(row));
            self.waiting.remove(&(row.timestamp, row.id));
        } else if let Some(ids) = self.processes.get_mut(&row.process_id) {
            ids.remove(&row.id);
            if ids.is_empty() {
                self.processes.remove(&row.process_id);
            }
        }
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Stored> {
        let stored = self.rows.remove(&id)?;
        self.unindex(&stored.row);
        Some(stored)
    }

    /// Moves a row to another process id and error state.
    pub(crate) fn move_to(&mut self, id: u64, process: &str, error: bool) {
        if let Some(mut stored) = self.rows.remove(&id) {
            self.unindex(&stored.row);
            process.clone_into(&mut stored.row.process_id);
            stored.row.error = error;
            self.index(&stored.row);
            self.rows.insert(id, stored);
        }
    }

    pub(crate) fn mark_listed(&mut self, id: u64) {
        if let Some(stored) = self.rows.get_mut(&id) {
            stored.listed = true;
        }
    }

    /// The unreserved row of a message, if there is one.
    pub(crate) fn unreserved(&self, message_id: &str, connector: &str) -> Option<u64> {
        self.slots
            .get(&(message_id.to_owned(), OUR_APP, connector.to_owned()))
            .copied()
    }

    /// Ids of the rows that a call sees and that meet the conditions, in order, at most `limit`.
    pub(crate) fn select(
        &self,
        view: &View<'_>,
        conditions: &[Condition],
        order: &Order,
        limit: usize,
    ) -> Vec<u64> {
        let fits = |stored: &&Stored| {
            view.shows(&stored.row)
                && conditions
                    .iter()
                    .all(|condition| condition.holds(|field| column(&stored.row, field)))
        };
        let exact = conditions.iter().find_map(|condition| condition.only_id());
        if let Some(id) = exact {
            let found = self.rows.get(&id).filter(fits);
            return found
                .map(|stored| stored.row.id)
                .into_iter()
                .take(limit)
                .collect();
        }
        match view.process {
            Some("") if order.is("TIMESTAMP_X") => self
                .waiting
                .iter()
                .filter_map(|(_, id)| self.rows.get(id))
                .filter(fits)
                .map(|stored| stored.row.id)
                .take(limit)
                .collect(),
            Some(process) if !process.is_empty() => {
                let ids = self.processes.get(process).into_iter().flatten();
                let rows = ids.filter_map(|id| self.rows.get(id)).filter(fits);
                sorted(rows.map(|stored| &stored.row).collect(), order, limit)
            }
            _ => {
                let rows = self.rows.values().filter(fits);
                if order.is("ID") {
                    return rows.map(|stored| stored.row.id).take(limit).collect();
                }
                sorted(rows.map(|stored| &stored.row).collect(), order, limit)
            }
        }
    }

    /// Removes all rows of the client's application.
    pub(crate) fn forget_application(&mut self) {
        let rows = self.rows.values().map(|stored| &stored.row);
        let ours: Vec<u64> = rows
            .filter(|row| row.app_id == OUR_APP)
            .map(|row| row.id)
            .collect();
        for id in ours {
            self.remove(id);
        }
    }

    /// The daily purge of old rows.
    pub(crate) fn purge(&mut self, now: i64, which: Purge) {
        if now - self.last_purge < 86_400 {
            return;
        }
        self.last_purge = now;
        let taken = |row: &QueueRow| {
            let doomed = which == Purge::AllRows || !row.process_id.is_empty();
            doomed && row.timestamp < now - PURGE_AFTER
        };
        let rows = self.rows.values().map(|stored| &stored.row);
        let old: Vec<u64> = rows.filter(|row| taken(row)).map(|row| row.id).collect();
        for id in old {
            self.remove(id);
        }
    }
}

fn slot_of(row: &QueueRow) -> Slot {
    (row.message_id.clone(), row.app_id, row.connector_id.clone())
}

fn sorted(mut rows: Vec<&QueueRow>, order: &Order, limit: usize) -> Vec<u64> {
    order.sort(&mut rows, |row, field| column(row, field));
    rows.into_iter().map(|row| row.id).take(limit).collect()
}

/// A column's value for filters and orders.
fn column<'a>(row: &'a QueueRow, field: &str) -> Field<'a> {
    match field {
        "ID" => row.id.into(),
        "TIMESTAMP_X" => Field::Number(row.timestamp),
        "EVENT_NAME" => Field::Text(&row.event_name),
        "MESSAGE_ID" => Field::Text(&row.message_id),
        "PROCESS_ID" => Field::Text(&row.process_id),
        _ => Field::Number(i64::from(row.error)),
    }
}

/// 32 hex digits that depend on the event's name and data alone. (The portal uses md5; nobody can
/// tell from the outside.)
pub(crate) fn message_id(event: &str, data: &Value) -> String {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in format!("{event}|{data}").bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(PRIME);
    }
    format!("{hash:032x}")
}
