//! What a person typed deliberately stays: the output of every case of the tables is a fixed point, and
//! so is each way to write it that the policy calls deliberate.

use b24_tidyd::names::{Engine, Field, LeadingParticle, Rule, Settings, Style, Word};

use crate::names::{Case, cases};

const TABLES: [&str; 2] = [
    include_str!("../names/cases.tsv"),
    include_str!("../names/derived.tsv"),
];

/// Words that may be typed lower in front of a surname (policy sections 5 and 6.2).
const IN_FRONT: &str =
    "van von de del da dos du der den di della la le el al ter ten фон де дер аль";

/// A way to write a word on purpose.
struct Manner {
    name: &'static str,
    /// Whether a word that this rule decided may be written so.
    applies: fn(Rule) -> bool,
    write: fn(&str) -> String,
}

/// The manners, each with the section that calls it deliberate.
const MANNERS: [Manner; 5] = [
    Manner {
        name: "6.1, 6.2: a particle with a capital",
        applies: |rule| {
            matches!(
                rule,
                Rule::Particle | Rule::KeptParticle | Rule::SurnameStart
            )
        },
        write: first_raised,
    },
    Manner {
        name: "6.3: a post-nominal in title case is a surname",
        applies: |rule| rule == Rule::PostNominal,
        write: first_raised_only,
    },
    Manner {
        name: "6.5: parts after a hyphen with capitals",
        applies: |rule| {
            matches!(
                rule,
                Rule::InnerPart
                    | Rule::LastPart
                    | Rule::ParticlePart
                    | Rule::KeptPart
                    | Rule::KeptArticle
                    | Rule::KeptSyllable
                    | Rule::LoweredSyllable
            )
        },
        write: every_part_raised,
    },
    Manner {
        name: "7.1.3: Mac and a lower letter",
        applies: |rule| rule == Rule::Mac,
        write: first_raised_only,
    },
    Manner {
        name: "7: a mixed-case word",
        applies: |rule| rule == Rule::TitleCase,
        write: |word| format!("{word}McAndMore"),
    },
];

/// The first letter up, the others as they are.
fn first_raised(word: &str) -> String {
    let at = word.find(char::is_alphabetic).unwrap_or(0);
    let mut letters = word[at..].chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{}{first}{}", &word[..at], letters.as_str())
}

/// The first letter up, the others down.
fn first_raised_only(word: &str) -> String {
    first_raised(&word.to_lowercase())
}

fn every_part_raised(word: &str) -> String {
    word.split('-')
        .map(first_raised)
        .collect::<Vec<_>>()
        .join("-")
}

fn spell(words: &[Word], other: Option<(usize, &str)>) -> String {
    let spelt: Vec<&str> = words
        .iter()
        .enumerate()
        .map(|(number, word)| match other {
            Some((place, text)) if place == number => text,
            _ => word.output.as_str(),
        })
        .collect();
    spelt.join(" ")
}

fn all_cases() -> impl Iterator<Item = Case<'static>> {
    TABLES.into_iter().flat_map(cases)
}

#[test]
fn every_output_is_a_fixed_point() {
    for case in all_cases() {
        assert_eq!(case.engine.tidy(case.field, case.expected), case.expected);
    }
}

/// A word that somebody writes in one of the manners stays as it is, whatever stands beside it.
#[test]
fn every_deliberate_spelling_of_an_output_is_a_fixed_point() {
    let mut tried = [0; MANNERS.len()];
    for case in all_cases().filter(|case| case.engine.settings().style == Style::Smart) {
        let words = case.engine.explain(case.field, case.input).words;
        for (place, word) in words.iter().enumerate() {
            for (manner, count) in MANNERS.iter().zip(&mut tried) {
                let written = (manner.write)(&word.output);
                // `E` is an initial where nobody typed with care, `A/L` and `A'` are always lowered, and
                // the letters of `Ph.D.` are parts of their own.
                let letters = word.output.chars().filter(|letter| letter.is_alphabetic());
                let says_something = letters.count() > 1 && !word.output.contains(['/', '.']);
                if !(manner.applies)(word.rule) || written == word.output || !says_something {
                    continue;
                }
                *count += 1;
                let text = spell(&words, Some((place, &written)));
                let again = case.engine.explain(case.field, &text);
                assert_eq!(
                    again.words[place].output, written,
                    "{text:?} ({}; {})",
                    manner.name, case.note
                );
            }
        }
    }
    assert!(tried.iter().all(|count| *count >= 5), "{tried:?}");
}

/// A first particle that is typed lower beside a capital stays, and with it the whole field.
#[test]
fn every_output_with_a_lower_first_particle_is_a_fixed_point() {
    let mut tried = 0;
    for case in all_cases().filter(|case| case.engine.settings().style == Style::Smart) {
        let words = case.engine.explain(Field::LastName, case.expected).words;
        let [first, second, ..] = &words[..] else {
            continue;
        };
        let lower = first.output.to_lowercase();
        let beside_capital = second.output.chars().next().is_some_and(char::is_uppercase)
            && second.output.chars().count() > 2
            && second.rule == Rule::Kept;
        let vietnamese = |engine: &Engine| {
            let text = format!("anna van {}", spell(&words, None));
            engine.explain(Field::Name, &text).words[1].rule != Rule::Particle
        };
        if !IN_FRONT.split(' ').any(|word| word == lower)
            || !beside_capital
            || vietnamese(&Engine::new(Settings::default()))
        {
            continue;
        }
        tried += 1;
        let text = spell(&words, Some((0, &lower)));
        assert_eq!(
            case.engine.tidy(Field::LastName, &text),
            text,
            "{}",
            case.note
        );

        let capital = Engine::new(Settings {
            leading_particle: LeadingParticle::Capital,
            ..case.engine.settings().clone()
        });
        let raised = spell(&words, Some((0, &first_raised(&lower))));
        assert_eq!(capital.tidy(Field::LastName, &text), raised);
    }
    assert!(tried >= 5, "only {tried} outputs begin with a particle");
}
