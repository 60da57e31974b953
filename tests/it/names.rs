//! The capitalisation policy, case by case.

use b24_tidyd::names::{Engine, Field, Language, Settings, Style};

/// A line of a case table: field, language, style, input, expected output, note.
pub(crate) struct Case<'a> {
    pub(crate) field: Field,
    pub(crate) engine: Engine,
    pub(crate) input: &'a str,
    pub(crate) expected: &'a str,
    pub(crate) note: &'a str,
}

pub(crate) fn cases(table: &str) -> impl Iterator<Item = Case<'_>> {
    table.split_terminator('\n').skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [field, language, style, input, expected, note] = columns[..] else {
            panic!("six columns expected: {line:?}");
        };
        let settings = Settings {
            style: style.parse::<Style>().unwrap(),
            language: Language::parse(language).unwrap(),
            ..Settings::default()
        };
        Case {
            field: field.parse().unwrap(),
            engine: Engine::new(settings),
            input,
            expected,
            note,
        }
    })
}

fn check(table: &str, at_least: usize) {
    let mut count = 0;
    let mut failures = String::new();
    for Case {
        field,
        engine,
        input,
        expected,
        note,
    } in cases(table)
    {
        count += 1;
        let output = engine.tidy(field, input);
        if output != expected {
            failures += &format!("{field} {input:?} gave {output:?}, not {expected:?}: {note}\n");
        }
        assert_eq!(
            engine.tidy(field, &output),
            output,
            "tidied again: {input:?}"
        );
        assert_eq!(
            engine.explain(field, input).output,
            output,
            "explained: {input:?}"
        );
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(count >= at_least, "the table has only {count} cases");
}

#[test]
fn every_row_of_the_policys_case_table() {
    check(include_str!("../names/cases.tsv"), 463);
}

/// Cases of our own, derived from the policy's text section by section (the note names it).
#[test]
fn every_row_of_our_own_case_table() {
    check(include_str!("../names/derived.tsv"), 150);
}
