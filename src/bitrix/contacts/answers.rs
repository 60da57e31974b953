//! What the answers about contacts say, in either family.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    contact::Contact,
    family::{Family, NAME_FIELDS},
};
use crate::bitrix::{Problem, Reply, wire};

/// Reads a page of contacts; `read_at` is the portal's time of the call.
///
/// # Errors
/// [`Problem::Unclear`] where it is no list of contacts.
pub fn read_list(
    family: Family,
    result: Value,
    read_at: Option<Timestamp>,
) -> Result<Vec<Contact>, Problem> {
    let unclear = || Problem::Unclear(format!("{} answered something else", family.list()));
    rows(family, result)
        .ok_or_else(unclear)?
        .iter()
        .map(|row| contact(family, row, read_at).ok_or_else(unclear))
        .collect()
}

/// Reads the answer to a get; `read_at` is the portal's time of the call.
///
/// # Errors
/// [`Problem::Unclear`] where it is no contact.
pub fn read_one(
    family: Family,
    result: &Value,
    read_at: Option<Timestamp>,
) -> Result<Contact, Problem> {
    contact(family, item(family, result), read_at)
        .ok_or_else(|| Problem::Unclear(format!("{} answered something else", family.get())))
}

/// Whether the portal knows contacts as items, by its answer to [`super::question`]; none where that
/// says nothing about it.
#[must_use]
pub fn has_items(answer: Result<Reply, Problem>) -> Option<bool> {
    match answer {
        Ok(reply) => rows(Family::Universal, reply.result).map(|_| true),
        // A portal that does not understand the simplest list is no use either.
        Err(
            Problem::NotOffered(_)
            | Problem::Misuse(_)
            | Problem::InvalidId(_)
            | Problem::Refused(_)
            | Problem::Gone,
        ) => Some(false),
        Err(_) => None,
    }
}

/// Whether a guard, which is a list, found its contact untouched.
#[must_use]
pub fn holds(method: &str, guard: &Value) -> bool {
    Family::of_method(method)
        .and_then(|family| rows(family, guard.clone()))
        .is_some_and(|rows| !rows.is_empty())
}

/// Checks that an update of one contact, or the get in its place, answers what its method promises.
///
/// # Errors
/// [`Problem::Unclear`] where it answers anything else, which says nothing about what became of the
/// contact.
pub fn expect_done(method: &str, result: &Value, contact_id: u64) -> Result<(), Problem> {
    let done = match Family::of_method(method) {
        Some(Family::Classic) if method == Family::Classic.update() => {
            wire::flag(result) == Some(true)
        }
        // The universal update answers the whole item; its id is all that is needed.
        Some(family) => wire::id(&item(family, result)[family.words().id]) == Some(contact_id),
        None => false,
    };
    if done {
        return Ok(());
    }
    Err(Problem::Unclear(format!(
        "{method} answered something else"
    )))
}

/// The rows of a list's answer.
fn rows(family: Family, mut result: Value) -> Option<Vec<Value>> {
    match family {
        Family::Universal => wire::list(result.get_mut("items")?.take()),
        Family::Classic => wire::list(result),
    }
}

/// The contact in the answer about a single one.
fn item(family: Family, result: &Value) -> &Value {
    match family {
        Family::Universal => &result["item"],
        Family::Classic => result,
    }
}

fn contact(family: Family, value: &Value, read_at: Option<Timestamp>) -> Option<Contact> {
    let words = family.words();
    let fields = NAME_FIELDS.into_iter().zip(words.names);
    Some(Contact {
        id: wire::id(&value[words.id])?,
        family,
        fields: fields
            .filter_map(|(field, theirs)| Some((field, wire::text(&value[theirs])?)))
            .collect(),
        modified: wire::text(&value[words.modified]).filter(|text| !text.is_empty()),
        read_at,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_families_answer_the_same_contact() {
        let universal = json!({"items": [{"id": 82, "name": "Anna", "secondName": null,
            "lastName": "", "updatedTime": "2026-01-05T10:00:00+03:00", "xmlId": "7"}]});
        let classic = json!([{"ID": "82", "NAME": "Anna", "SECOND_NAME": null, "LAST_NAME": "",
            "DATE_MODIFY": "2026-01-05T07:00:00+00:00"}]);
        let read = |family, result| read_list(family, result, None).unwrap_or_default();
        let one = read(Family::Universal, universal);
        let other = read(Family::Classic, classic);
        assert_eq!((one.len(), other.len()), (1, 1));
        assert_eq!(one[0].id, other[0].id);
        assert!(one[0].is_as(&other[0]));
        for odd in [
            json!(null),
            json!([]),
            json!({"items": "none"}),
            json!(true),
        ] {
            assert!(read_list(Family::Universal, odd, None).is_err());
        }
    }

    /// Catches an odd answer that is taken for a write which was made.
    #[test]
    fn only_what_the_method_promises_counts_as_done() {
        let done =
            |family: Family, result: Value| expect_done(family.update(), &result, 82).is_ok();
        for odd in [json!(null), json!([]), json!(false), json!({}), json!("")] {
            assert!(!done(Family::Classic, odd.clone()), "{odd}");
            assert!(!done(Family::Universal, odd.clone()), "{odd}");
        }
        assert!(done(Family::Classic, json!(true)));
        assert!(!done(Family::Universal, json!(true)));
        assert!(done(Family::Universal, json!({"item": {"id": "82"}})));
        assert!(!done(Family::Universal, json!({"item": {"id": 1}})));
    }
}
