//! One-to-one case mappings. Plain Latin and Cyrillic letters, which nearly all names consist of,
//! need no Unicode table.

use icu_casemap::{CaseMapper, CaseMapperBorrowed};

const MAPPER: CaseMapperBorrowed<'static> = CaseMapper::new();

/// The simple lower-case mapping.
pub(in crate::names) fn lower(ch: char) -> char {
    match ch {
        'A'..='Z' | 'a'..='z' => ch.to_ascii_lowercase(),
        'а'..='я' | 'ѐ'..='џ' => ch,
        'À'..='Ö' | 'Ø'..='Þ' | 'А'..='Я' => shifted(ch, 0x20),
        'Ѐ'..='Џ' => shifted(ch, 0x50),
        _ => MAPPER.simple_lowercase(ch),
    }
}

/// The simple title-case mapping.
pub(in crate::names) fn title(ch: char) -> char {
    match ch {
        'A'..='Z' | 'a'..='z' => ch.to_ascii_uppercase(),
        'А'..='Я' | 'Ѐ'..='Џ' => ch,
        'à'..='ö' | 'ø'..='þ' | 'а'..='я' => shifted(ch, -0x20),
        'ѐ'..='џ' => shifted(ch, -0x50),
        _ => MAPPER.simple_titlecase(ch),
    }
}

/// The simple case folding.
pub(in crate::names) fn fold(ch: char) -> char {
    match ch {
        'A'..='Z' | 'a'..='z' | 'А'..='я' | 'Ѐ'..='џ' => lower(ch),
        _ => MAPPER.simple_fold(ch),
    }
}

/// Whether a simple upper-case mapping leads away from the letter.
pub(in crate::names) fn has_upper(ch: char) -> bool {
    MAPPER.simple_uppercase(ch) != ch
}

/// The full case folding of a text, which may lengthen it.
pub(in crate::names) fn fold_fully(text: &str) -> String {
    MAPPER.fold_string(text).into_owned()
}

fn shifted(ch: char, by: i32) -> char {
    (ch as u32)
        .checked_add_signed(by)
        .and_then(char::from_u32)
        .unwrap_or(ch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_way_is_the_tables_way() {
        for ch in '\0'..='\u{600}' {
            assert_eq!(lower(ch), MAPPER.simple_lowercase(ch), "{ch:?}");
            assert_eq!(title(ch), MAPPER.simple_titlecase(ch), "{ch:?}");
            assert_eq!(fold(ch), MAPPER.simple_fold(ch), "{ch:?}");
        }
    }
}
