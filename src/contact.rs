//! The change check: a contact's name fields and the correction they need, if any. Pure.

use crate::names::{Engine, Field};

/// The most characters a name field holds in the portal's database.
pub const LONGEST_NAME: usize = 50;

/// One field that has to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The field.
    pub field: Field,
    /// The value that stands there.
    pub old: String,
    /// The value that belongs there.
    pub new: String,
    /// The names of the rules that changed a word, each once, joined by commas.
    pub rules: String,
}

/// The changes that the fields of one contact need. Empty where all is well.
///
/// A field that is missing or empty is never written, one that is longer than the portal's fifty
/// characters or holds what is no character is left alone, and so is one for which `leave_alone` answers
/// true.
pub fn changes<'a>(
    engine: &Engine,
    fields: &[Field],
    value_of: impl Fn(Field) -> Option<&'a str>,
    leave_alone: impl Fn(Field, &str) -> bool,
) -> Vec<FieldChange> {
    fields
        .iter()
        .filter_map(|field| {
            let old = value_of(*field).filter(|text| !text.is_empty())?;
            let new = engine.tidy(*field, old);
            let unfit = is_too_long(old) || is_too_long(&new) || was_spoilt(old);
            if new == old || unfit || leave_alone(*field, old) {
                return None;
            }
            Some(FieldChange {
                field: *field,
                old: old.to_owned(),
                new: new.into_owned(),
                rules: deciding_rules(engine, *field, old),
            })
        })
        .collect()
}

/// Something stood there that the answer could not carry: what we would write is not what stands there.
fn was_spoilt(text: &str) -> bool {
    text.contains('\u{fffd}')
}

fn is_too_long(text: &str) -> bool {
    text.chars().count() > LONGEST_NAME
}

fn deciding_rules(engine: &Engine, field: Field, text: &str) -> String {
    let words = engine.explain(field, text).words;
    let mut names: Vec<&str> = words
        .iter()
        .filter(|word| word.text != word.output)
        .map(|word| word.rule.name())
        .collect();
    names.sort_unstable();
    names.dedup();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Settings;

    fn check(value: Option<&str>) -> Vec<FieldChange> {
        let engine = Engine::new(Settings::default());
        changes(&engine, &[Field::Name], |_| value, |_, _| false)
    }

    #[test]
    fn only_what_differs_is_a_change() {
        assert_eq!(check(None), []);
        assert_eq!(check(Some("")), []);
        assert_eq!(check(Some("Anna")), []);
        let found = check(Some("anna"));
        assert_eq!(
            found
                .iter()
                .map(|change| change.new.as_str())
                .collect::<Vec<_>>(),
            ["Anna"]
        );
        assert!(!found[0].rules.is_empty());
    }

    #[test]
    fn fifty_characters_are_the_limit_not_bytes() {
        assert_eq!(check(Some(&"ж".repeat(50))).len(), 1);
        assert_eq!(check(Some(&"ж".repeat(51))), []);
    }
}
