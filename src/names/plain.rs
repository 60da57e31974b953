//! Policy section 4: the plain style, which knows nothing about names.

use super::Language;
use super::casing::{Casing, opening_ij};
use super::glyph::{Glyph, Kind};
use super::text::parts;

/// First letter of each part up, the others down. An apostrophe starts no new part; a dot or a
/// hyphen does. A part that starts with a digit or with a letter without case gets no capital.
/// Answers whether anything changed.
pub(super) fn tidy_token(casing: Casing, language: &Language, token: &mut [Glyph]) -> bool {
    let mut changed = false;
    for part in parts(token) {
        let part = &mut token[part];
        let start = part
            .iter()
            .position(|glyph| glyph.is_letter() || glyph.kind == Kind::Digit);
        let capitals: &[usize] = match start {
            Some(start) if part[start].is_cased() => {
                if opening_ij(language, part) {
                    &[0, 1]
                } else {
                    &[start]
                }
            }
            _ => &[],
        };
        changed |= casing.capitalise(part, capitals);
    }
    changed
}
