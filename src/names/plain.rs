//! Policy section 4: the plain style, which knows nothing about names.

use super::text::casing::Casing;
use super::text::glyph::{Glyph, Kind};
use super::text::spans::parts;

/// First letter of each part up, the others down. An apostrophe starts no new part; a dot or a
/// hyphen does. A part that starts with a digit or with a letter without case gets no capital.
/// Answers whether anything changed.
pub(super) fn tidy_token(casing: Casing, token: &mut [Glyph]) -> bool {
    let mut changed = false;
    for part in parts(token) {
        let part = &mut token[part];
        let start = part
            .iter()
            .position(|glyph| glyph.is_letter() || glyph.kind == Kind::Digit);
        changed |= match start {
            Some(start) if part[start].is_cased() => {
                if casing.opens_with_ij(part) {
                    casing.capitalise(part, &[0, 1])
                } else {
                    casing.capitalise(part, &[start])
                }
            }
            _ => casing.capitalise(part, &[]),
        };
    }
    changed
}
