//! Every call about contacts, in either family.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    family::{Family, NAME_FIELDS},
    pair::Pair,
};
use crate::bitrix::Call;

/// How many contacts one page holds.
pub const PAGE: usize = 50;

/// What the universal family calls contacts.
const CONTACTS: u64 = 3;

/// A moment before anybody changed a contact.
const LONG_AGO: &str = "1980-01-01T00:00:00+00:00";

/// Reads up to fifty contacts by id. Contacts that the answer leaves out may still exist.
#[must_use]
pub fn page(family: Family, ids: &[u64]) -> Call {
    let by_ids = format!("@{}", family.words().id);
    rows(family, json!({by_ids: ids}))
}

/// Reads the next fifty contacts behind `after`, optionally only those changed since a moment.
#[must_use]
pub fn walk(family: Family, after: u64, modified_since: Option<Timestamp>) -> Call {
    let words = family.words();
    let mut filter = json!({behind_id(family): after});
    if let Some(since) = modified_since {
        filter[format!(">={}", words.modified)] = Value::from(seconds(since));
    }
    rows(family, filter)
}

/// The same page of a walk, ending with the contact `until`.
#[must_use]
pub fn up_to(family: Family, page: &Call, until: u64) -> Call {
    let mut page = page.clone();
    page.params["filter"][format!("<={}", family.words().id)] = Value::from(until);
    page
}

/// The page of a walk that begins behind the last row of the full page which `previous` answers in
/// the same batch.
///
/// Where that page is not full, the reference yields something else, and so does the call: its answer
/// means nothing then.
#[must_use]
pub fn behind(family: Family, page: &Call, previous: &str) -> Call {
    let mut page = page.clone();
    let last = format!("$result[{previous}]{}", id_at(family, PAGE - 1));
    page.params["filter"][behind_id(family)] = Value::from(last);
    page
}

/// Reads one contact.
#[must_use]
pub fn get(family: Family, id: u64) -> Call {
    call(family, family.get()).with("id", id)
}

/// Writes fields of a contact; other fields stay as they are.
#[must_use]
pub fn update(family: Family, id: u64, fields: &[(&'static str, String)]) -> Call {
    changing(family, fields).with("id", id)
}

/// The update, made only while the moment of the contact's last change is what it was.
#[must_use]
pub fn guarded_update(
    family: Family,
    id: u64,
    modified: &str,
    fields: &[(&'static str, String)],
) -> Pair {
    pair(family, id, modified, changing(family, fields))
}

/// The same with a get in place of the update, which takes its id from the guard's answer just so and
/// changes nothing.
#[must_use]
pub fn guarded_get(family: Family, id: u64, modified: &str) -> Pair {
    pair(family, id, modified, call(family, family.get()))
}

/// A get under a guard that cannot hold.
#[must_use]
pub fn refuted_get(family: Family, id: u64) -> Pair {
    guarded_get(family, id, LONG_AGO)
}

/// A guard that must not hold: nobody changed a contact before 1980. Where it answers a row, the
/// portal drops the condition, and guards prove nothing.
#[must_use]
pub fn proof(family: Family, id: u64) -> Call {
    guard(family, id, LONG_AGO)
}

/// Asks whether the portal knows contacts as items, see [`super::has_items`].
#[must_use]
pub fn question() -> Call {
    let family = Family::Universal;
    list(family, json!({family.words().id: 1})).with("select", vec![family.words().id])
}

fn pair(family: Family, contact_id: u64, modified: &str, then: Call) -> Pair {
    Pair {
        contact_id,
        guard: guard(family, contact_id, modified),
        then,
        id_at: id_at(family, 0),
    }
}

/// Answers the contact's row only while nobody has changed it.
fn guard(family: Family, id: u64, modified: &str) -> Call {
    let words = family.words();
    let unchanged = format!("<={}", words.modified);
    list(family, json!({words.id: id, unchanged: modified})).with("select", vec![words.id])
}

fn changing(family: Family, fields: &[(&'static str, String)]) -> Call {
    let spelled = |field: &str| {
        let at = NAME_FIELDS.iter().position(|name| *name == field);
        at.map_or(field, |at| family.words().names[at]).to_owned()
    };
    let fields: Map<String, Value> = fields
        .iter()
        .map(|(field, value)| (spelled(field), Value::from(value.clone())))
        .collect();
    call(family, family.update()).with("fields", fields)
}

/// A list that answers all that is read of a contact.
fn rows(family: Family, filter: Value) -> Call {
    let words = family.words();
    let [name, second_name, last_name] = words.names;
    list(family, filter).with(
        "select",
        vec![words.id, name, second_name, last_name, words.modified],
    )
}

fn list(family: Family, filter: Value) -> Call {
    // `start: -1` switches counting off, which is what makes lists slow on large portals.
    call(family, family.list())
        .with("filter", filter)
        .with("order", json!({family.words().id: "ASC"}))
        .with("start", -1)
}

fn call(family: Family, method: &'static str) -> Call {
    match family {
        Family::Universal => Call::new(method).with("entityTypeId", CONTACTS),
        Family::Classic => Call::new(method),
    }
}

fn behind_id(family: Family) -> String {
    format!(">{}", family.words().id)
}

/// Where the id of a list's row stands in its answer.
fn id_at(family: Family, row: usize) -> String {
    let words = family.words();
    format!("{}[{row}][{}]", words.rows, words.id)
}

fn seconds(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches a condition or a reference that one of the families does not understand: the classic
    /// one drops such a filter without a word.
    #[test]
    fn each_family_has_its_own_words_for_the_same_call() {
        let fields = [("LAST_NAME", "Meier".to_owned())];
        // In any order, which depends on how serde_json was built.
        let sorted = |call: &Call| {
            let command = call.command();
            let (method, query) = command.split_once('?').unwrap_or((&command, ""));
            let mut parts: Vec<&str> = query.split('&').collect();
            parts.sort_unstable();
            format!("{method}?{}", parts.join("&"))
        };
        let commands = |family| {
            let pair = guarded_update(family, 82, "2026-01-05T10:00:00+03:00", &fields);
            let walk = walk(family, 7, Some(Timestamp::UNIX_EPOCH));
            [
                sorted(&pair.guard),
                sorted(&pair.then),
                pair.id_at,
                sorted(&page(family, &[82])),
                sorted(&behind(family, &walk, "w0")),
                sorted(&get(family, 82)),
            ]
        };
        assert_eq!(
            commands(Family::Universal),
            [
                "crm.item.list?entityTypeId=3\
                 &filter[%3C%3DupdatedTime]=2026-01-05T10%3A00%3A00%2B03%3A00&filter[id]=82\
                 &order[id]=ASC&select[]=id&start=-1",
                "crm.item.update?entityTypeId=3&fields[lastName]=Meier",
                "[items][0][id]",
                "crm.item.list?entityTypeId=3&filter[%40id][]=82&order[id]=ASC\
                 &select[]=id&select[]=lastName&select[]=name&select[]=secondName\
                 &select[]=updatedTime&start=-1",
                "crm.item.list?entityTypeId=3\
                 &filter[%3E%3DupdatedTime]=1970-01-01T00%3A00%3A00%2B00%3A00\
                 &filter[%3Eid]=%24result%5Bw0%5D%5Bitems%5D%5B49%5D%5Bid%5D&order[id]=ASC\
                 &select[]=id&select[]=lastName&select[]=name&select[]=secondName\
                 &select[]=updatedTime&start=-1",
                "crm.item.get?entityTypeId=3&id=82",
            ]
        );
        assert_eq!(
            commands(Family::Classic),
            [
                "crm.contact.list?filter[%3C%3DDATE_MODIFY]=2026-01-05T10%3A00%3A00%2B03%3A00\
                 &filter[ID]=82&order[ID]=ASC&select[]=ID&start=-1",
                "crm.contact.update?fields[LAST_NAME]=Meier",
                "[0][ID]",
                "crm.contact.list?filter[%40ID][]=82&order[ID]=ASC\
                 &select[]=DATE_MODIFY&select[]=ID&select[]=LAST_NAME&select[]=NAME\
                 &select[]=SECOND_NAME&start=-1",
                "crm.contact.list?filter[%3E%3DDATE_MODIFY]=1970-01-01T00%3A00%3A00%2B00%3A00\
                 &filter[%3EID]=%24result%5Bw0%5D%5B49%5D%5BID%5D&order[ID]=ASC\
                 &select[]=DATE_MODIFY&select[]=ID&select[]=LAST_NAME&select[]=NAME\
                 &select[]=SECOND_NAME&start=-1",
                "crm.contact.get?id=82",
            ]
        );
    }
}
