//! What is different between two looks at the conditions: what people are told of them.

use super::Condition;

/// What has become of a condition since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// It is new.
    Began(&'a Condition),
    /// It is another of its kind: the other side says something else, or somebody else has to act.
    Changed(&'a Condition),
    /// It is over.
    Ended(&'a Condition),
}

/// What has changed from one look to the next, in the order of the lists: first what is over.
#[must_use]
pub fn changes<'a>(before: &'a [Condition], now: &'a [Condition]) -> Vec<Change<'a>> {
    let find =
        |list: &'a [Condition], wanted: &Condition| list.iter().find(|it| it.kind == wanted.kind);
    let ended = before.iter().filter(|it| find(now, it).is_none());
    let other = now.iter().filter_map(|it| match find(before, it) {
        None => Some(Change::Began(it)),
        Some(known) if beginning(&known.text) != beginning(&it.text) || known.acts != it.acts => {
            Some(Change::Changed(it))
        }
        Some(_) => None,
    });
    ended.map(Change::Ended).chain(other).collect()
}

/// The text without what differs from look to look: moments and counts.
fn beginning(text: &str) -> &str {
    let end = text.find(|c: char| c.is_ascii_digit());
    &text[..end.unwrap_or(text.len())]
}
