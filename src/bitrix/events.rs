//! The offline event queue: `event.bind`, `event.get`, `event.unbind` and `event.offline.*`.
//!
//! Empty means "everything" in this part of the API (an empty process id, an empty id list), so that
//! neither can be built here.

use std::num::NonZeroU64;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Call, Problem, said::tame, wire};

/// The contact events that we are bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContactEvent {
    /// A contact was created.
    Add,
    /// A contact was changed.
    Update,
}

impl ContactEvent {
    /// Both events.
    pub const ALL: [Self; 2] = [Self::Add, Self::Update];

    /// Their names in the protocol.
    pub const NAMES: [&'static str; 2] = [Self::Add.as_str(), Self::Update.as_str()];

    /// The event's name in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "ONCRMCONTACTADD",
            Self::Update => "ONCRMCONTACTUPDATE",
        }
    }

    /// The event of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|event| event.as_str().eq_ignore_ascii_case(name))
    }
}

/// The id of a reservation. Never empty: an empty one would act on the rows that nobody reserved.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessId(String);

impl ProcessId {
    /// A process id, unless the text is empty or none that a portal gives.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let plain = !text.trim().is_empty() && tame(&text) == text;
        plain.then_some(Self(text))
    }

    /// The id as the portal gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a row of the queue.
pub type RowId = NonZeroU64;

/// Row ids to acknowledge. Never empty: an empty list would acknowledge the whole reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowIds(Vec<RowId>);

impl RowIds {
    /// The list, unless it is empty.
    #[must_use]
    pub fn new(rows: Vec<RowId>) -> Option<Self> {
        (!rows.is_empty()).then_some(Self(rows))
    }
}

/// A row of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// The row's own id.
    pub id: RowId,
    /// The event's name as the portal wrote it.
    pub name: String,
    /// The id of what it speaks of; none where the data names none (`EVENT_DATA: false`).
    pub subject: Option<u64>,
    /// When the row last changed, by the portal's clock.
    pub changed_at: Option<Timestamp>,
    /// The reservation that holds it, where the answer says so.
    pub process_id: Option<ProcessId>,
    /// Whether it is an error row.
    pub error: bool,
    /// The connector of its queue, where the answer says so.
    pub connector: Option<String>,
}

impl EventRow {
    /// Which of our events it is; none for rows of other handlers of the application.
    #[must_use]
    pub fn event(&self) -> Option<ContactEvent> {
        ContactEvent::from_name(&self.name)
    }

    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: NonZeroU64::new(wire::id(&value["ID"])?)?,
            name: wire::shown(&value["EVENT_NAME"]).unwrap_or_default(),
            subject: wire::id(&value["EVENT_DATA"]["FIELDS"]["ID"]),
            changed_at: wire::moment(&value["TIMESTAMP_X"]),
            process_id: wire::text(&value["PROCESS_ID"]).and_then(ProcessId::new),
            error: wire::flag(&value["ERROR"]).unwrap_or(false),
            connector: wire::text(&value["CONNECTOR_ID"]),
        })
    }
}

/// What `event.offline.get` answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The reservation; none for a destructive get.
    pub process_id: Option<ProcessId>,
    /// Its rows, possibly none.
    pub rows: Vec<EventRow>,
    /// Rows that have no readable id, as they came: nobody can say what they are, or acknowledge them.
    pub odd: Vec<String>,
}

/// A binding of this application, from `event.get`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The event's name, upper case.
    pub event: String,
    /// Whether it is an offline binding.
    pub offline: bool,
    /// Its connector, empty where none is used.
    pub connector: String,
}

impl Binding {
    /// Whether it has `event` queued offline, with this connector (empty for none).
    #[must_use]
    pub fn records(&self, event: &str, connector: &str) -> bool {
        self.offline && self.event == event && self.connector == connector
    }
}

/// Those of `events` that none of `bindings` has queued with this connector.
#[must_use]
pub fn unbound<'a>(bindings: &[Binding], events: &[&'a str], connector: &str) -> Vec<&'a str> {
    let is_bound = |event| bindings.iter().any(|it| it.records(event, connector));
    let events = events.iter().copied();
    events.filter(|event| !is_bound(event)).collect()
}

/// Asks for the application's bindings (`event.get`).
#[must_use]
pub fn bindings() -> Call {
    Call::new("event.get")
}

/// Reads the answer to [`bindings`].
///
/// # Errors
/// [`Problem::Unclear`] where it is no list.
pub fn read_bindings(result: Value) -> Result<Vec<Binding>, Problem> {
    let rows = wire::list(result)
        .ok_or_else(|| Problem::Unclear("event.get did not answer a list".to_owned()))?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            Some(Binding {
                event: wire::shown(&row["event"])?.to_ascii_uppercase(),
                offline: wire::flag(&row["offline"]).unwrap_or(false),
                connector: wire::shown(&row["connector_id"]).unwrap_or_default(),
            })
        })
        .collect())
}

/// Binds an event as an offline event (`event.bind`).
#[must_use]
pub fn bind(event: &str) -> Call {
    Call::new("event.bind")
        .with("event", event)
        .with("event_type", "offline")
}

/// Removes an offline binding (`event.unbind`).
#[must_use]
pub fn unbind(event: &str) -> Call {
    Call::new("event.unbind")
        .with("event", event)
        .with("event_type", "offline")
}

/// Reserves up to `limit` rows of one event (`event.offline.get`). `errors` asks for error rows instead.
#[must_use]
pub fn reserve(event: &str, limit: u32, errors: bool) -> Call {
    get(limit, errors)
        .with("clear", 0)
        .with("filter", json!({"EVENT_NAME": event}))
}

/// Reads the rows of a reservation again (`event.offline.get` with its process id).
#[must_use]
pub fn resume(process_id: &ProcessId, limit: u32, errors: bool) -> Call {
    get(limit, errors)
        .with("clear", 0)
        .with("process_id", process_id.as_str())
}

/// Takes exactly one unreserved row out of the queue, for plans without confirmation. The row must be
/// stored by then.
#[must_use]
pub fn take_away(row: RowId, errors: bool) -> Call {
    get(1, errors)
        .with("clear", 1)
        .with("filter", json!({"ID": row.get()}))
}

fn get(limit: u32, errors: bool) -> Call {
    let call = Call::new("event.offline.get").with("limit", limit);
    if errors { call.with("error", 1) } else { call }
}

/// Reads the answer to [`reserve`], [`resume`] and [`take_away`].
///
/// # Errors
/// [`Problem::Unclear`] where it has another shape: rows may be reserved that we do not know.
pub fn read_page(mut result: Value) -> Result<Page, Problem> {
    let unclear = || Problem::Unclear("event.offline.get answered something else".to_owned());
    let process_id = wire::text(&result["process_id"]).and_then(ProcessId::new);
    let events = result
        .get_mut("events")
        .map(Value::take)
        .ok_or_else(unclear)?;
    let (rows, odd) = split_rows(events)?;
    Ok(Page {
        process_id,
        rows,
        odd,
    })
}

/// Acknowledges rows of a reservation (`event.offline.clear`). Needs no licence; may be repeated.
#[must_use]
pub fn acknowledge(process_id: &ProcessId, rows: &RowIds) -> Call {
    let ids: Vec<u64> = rows.0.iter().map(|row| row.get()).collect();
    Call::new("event.offline.clear")
        .with("process_id", process_id.as_str())
        .with("id", ids)
}

/// Which rows `event.offline.list` is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed<'a> {
    /// Rows that some reservation holds.
    Reserved,
    /// Rows of one of our events that some reservation holds.
    ReservedOf(&'a str),
    /// Pending rows of one of our events.
    Pending(&'a str),
    /// Error rows that nobody has reserved, of one of our events.
    Errors(&'a str),
    /// Every row of the queue.
    Everything,
}

/// Lists a page of fifty rows by id without touching them (`event.offline.list`), from `start` on.
#[must_use]
pub fn list(which: Listed<'_>, start: u32) -> Call {
    let call = Call::new("event.offline.list").with("order", json!({"ID": "ASC"}));
    let call = call.with("start", start);
    let filter = match which {
        // A filter that is null is refused; none at all lists everything.
        Listed::Everything => return call,
        Listed::Reserved => json!({">PROCESS_ID": ""}),
        Listed::ReservedOf(event) => json!({">PROCESS_ID": "", "=EVENT_NAME": event}),
        Listed::Pending(event) => {
            json!({"=PROCESS_ID": "", "=ERROR": 0, "=EVENT_NAME": event})
        }
        Listed::Errors(event) => {
            json!({"=PROCESS_ID": "", "=ERROR": 1, "=EVENT_NAME": event})
        }
    };
    call.with("filter", filter)
}

/// Lists the fifty rows whose last change is longest ago; the answer's total counts all of them.
#[must_use]
pub fn oldest(which: Listed<'_>) -> Call {
    list(which, 0).with("order", json!({"TIMESTAMP_X": "ASC"}))
}

/// The same for rows behind the one with the id `after` alone.
#[must_use]
pub fn list_behind(which: Listed<'_>, after: u64, start: u32) -> Call {
    let mut call = list(which, start);
    let filter = call.params.entry("filter").or_insert_with(|| json!({}));
    filter[">ID"] = Value::from(after);
    call
}

/// Reads the answer to [`list`], [`list_behind`] and [`oldest`]. Rows without a readable id are left
/// out: they stand in nobody's way.
///
/// # Errors
/// [`Problem::Unclear`] where it is no list.
pub fn read_rows(result: Value) -> Result<Vec<EventRow>, Problem> {
    Ok(split_rows(result)?.0)
}

fn split_rows(result: Value) -> Result<(Vec<EventRow>, Vec<String>), Problem> {
    let list = wire::list(result)
        .ok_or_else(|| Problem::Unclear("a queue that is no list of rows".to_owned()))?;
    let (mut rows, mut odd) = (Vec::with_capacity(list.len()), Vec::new());
    for value in list {
        match EventRow::read(&value) {
            Some(row) => rows.push(row),
            None => odd.push(value.to_string()),
        }
    }
    Ok((rows, odd))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_process_ids_and_lists_cannot_be_built() {
        assert_eq!(ProcessId::new(""), None);
        assert_eq!(ProcessId::new("  "), None);
        assert_eq!(RowIds::new(Vec::new()), None);
    }

    #[test]
    fn a_reservation_never_forgets_clear_0() {
        for call in [
            reserve("ONCRMCONTACTADD", 1000, false),
            resume(&ProcessId("p".to_owned()), 1000, true),
        ] {
            assert_eq!(call.params["clear"], 0);
        }
    }

    #[test]
    fn rows_without_data_are_read() {
        let page = read_page(json!({"process_id": "p", "events": [
            {"ID": "7", "EVENT_NAME": "ONCRMCONTACTADD", "EVENT_DATA": false},
            {"ID": 8, "EVENT_NAME": "ONCRMCONTACTUPDATE", "EVENT_DATA": {"FIELDS": {"ID": 82}}}]}));
        let rows = page.map(|page| page.rows).unwrap_or_default();
        assert_eq!(
            rows.iter().map(|row| row.subject).collect::<Vec<_>>(),
            [None, Some(82)]
        );
    }
}
