//! Policy section 8: exact spellings, which win over the rules.

use std::collections::HashMap;

use super::choice::Field;
use super::text::fold::Fold;
use super::text::glyph::Glyph;
use super::text::mapping;

/// The spellings of one overrides file. `Default` has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// By fold. The spellings of one fold stand with the winner last.
    by_fold: HashMap<String, Vec<Spelling>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Spelling {
    /// `None`: holds for every field.
    field: Option<Field>,
    letters: Vec<char>,
}

/// A line that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct OverrideError {
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong with it, and what to do.
    pub reason: String,
}

impl Overrides {
    /// Reads an overrides file: one spelling per line, `#` starts a comment, an optional prefix such
    /// as `LAST_NAME:` limits a spelling to a field. `Err` holds every bad line.
    pub fn parse(bytes: &[u8]) -> Result<Overrides, Vec<OverrideError>> {
        let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
        let mut overrides = Overrides::default();
        let mut errors = Vec::new();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            match parse_line(line) {
                Ok(None) => {}
                Ok(Some((field, spelling))) => overrides.add(field, spelling),
                Err(reason) => errors.push(OverrideError {
                    line: index + 1,
                    reason,
                }),
            }
        }
        for spellings in overrides.by_fold.values_mut() {
            // Stable: of two lines of equal reach, the later stays the winner.
            spellings.sort_by_key(|spelling| spelling.field.is_some());
        }
        if errors.is_empty() {
            Ok(overrides)
        } else {
            Err(errors)
        }
    }

    /// Whether there is no spelling at all.
    pub fn is_empty(&self) -> bool {
        self.by_fold.is_empty()
    }

    fn add(&mut self, field: Option<Field>, spelling: &str) {
        let fold = Fold::of_text(spelling).as_str().to_owned();
        let letters = spelling.chars().collect();
        self.by_fold
            .entry(fold)
            .or_default()
            .push(Spelling { field, letters });
    }

    /// Lays the case of the spelling that decides about `text`, if there is one, over its letters.
    /// `text` is a whole field without the white space around it, or a token.
    pub(super) fn lay_over(&self, field: Field, text: &mut [Glyph]) -> bool {
        if self.is_empty() || text.is_empty() {
            return false;
        }
        let Some(spellings) = self.by_fold.get(Fold::of(text).as_str()) else {
            return false;
        };
        let winner = spellings
            .iter()
            .rev()
            .find(|spelling| spelling.holds_for(field, text));
        let Some(winner) = winner else { return false };
        for (glyph, letter) in text.iter_mut().zip(&winner.letters) {
            if glyph.is_letter() {
                glyph.replace(*letter);
            }
        }
        true
    }
}

impl Spelling {
    /// Only case may differ: as many code points, equal under simple folding, place by place.
    fn holds_for(&self, field: Field, text: &[Glyph]) -> bool {
        self.field.is_none_or(|own| own == field)
            && self.letters.len() == text.len()
            && self
                .letters
                .iter()
                .zip(text)
                .all(|(letter, glyph)| mapping::fold(*letter) == mapping::fold(glyph.ch))
    }
}

fn parse_line(line: &[u8]) -> Result<Option<(Option<Field>, &str)>, String> {
    let line = std::str::from_utf8(line)
        .map_err(|_| "not UTF-8: save the file in that encoding".to_owned())?;
    let (content, _comment) = line.split_once('#').unwrap_or((line, ""));
    let content = content.trim();
    if content.is_empty() {
        return Ok(None);
    }
    let Some((prefix, spelling)) = content.split_once(':') else {
        return Ok(Some((None, content)));
    };
    let field = prefix
        .trim_end()
        .parse::<Field>()
        .map_err(|_| format!("unknown prefix {prefix:?}: use NAME:, SECOND_NAME: or LAST_NAME:"))?;
    match spelling.trim() {
        "" => Err(format!("nothing stands after {field}:")),
        spelling => Ok(Some((Some(field), spelling))),
    }
}
