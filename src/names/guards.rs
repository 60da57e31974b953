//! Policy section 3: fields that are no names stay whole.

use super::lexicon::{Lexicon, Lists, is_one_of};
use super::lists;
use super::rule::NotAName;
use super::smart::reading::{Reading, Token};
use super::text::fold::Fold;
use super::text::glyph::{Glyph, Kind};
use super::text::shape::Shape;
use super::text::spans::Span;

/// The tests of both styles, 3.1 to 3.7; the first that fits.
pub(super) fn not_a_name(field: &[Glyph], words: &[Span]) -> Option<NotAName> {
    let mut has_case = false;
    let mut has_full_stop = false;
    let mut found: Option<NotAName> = None;
    for (at, glyph) in field.iter().enumerate() {
        let reason = match glyph.kind {
            Kind::Letter => {
                has_case |= glyph.is_cased() || glyph.is_mtavruli();
                let may_lead = ('\u{C2}'..='\u{E2}').contains(&glyph.ch);
                (may_lead && starts_broken_encoding(&field[at..]))
                    .then_some(NotAName::BrokenEncoding)
            }
            Kind::Control | Kind::PrivateUse => Some(NotAName::ForeignSign),
            Kind::Other => {
                has_full_stop |= glyph.ch == '.';
                spoils(&field[at..])
            }
            _ => None,
        };
        if let Some(reason) = reason {
            found = Some(found.map_or(reason, |earlier| earlier.min(reason)));
        }
    }
    if !has_case {
        return Some(NotAName::NoCasedLetter);
    }
    let address = || {
        if !has_full_stop {
            None
        } else if words.iter().any(|word| is_www(&field[word.clone()])) {
            Some(NotAName::Www)
        } else if matches!(words, [word] if is_domain(&field[word.clone()]))
            || words.iter().any(|word| has_path(&field[word.clone()]))
        {
            Some(NotAName::Domain)
        } else {
            None
        }
    };
    found.or_else(address)
}

/// 3.8, smart style only: a legal form beside another token, or one in capitals.
pub(super) fn is_company(lexicon: &Lexicon, field: &[Glyph], reading: &Reading) -> bool {
    let lists_of = |token: &Token| {
        let glyphs = &field[token.span.clone()];
        match strip(glyphs) {
            stripped if stripped.len() == glyphs.len() => token.lists,
            stripped => lexicon.lists_of(Fold::of(stripped).as_bytes()),
        }
    };
    let is_legal_form = |token: &Token| {
        let lists = lists_of(token);
        lists.has(Lists::LEGAL_FORM) && reading.tokens.len() >= 2
            || lists.has(Lists::LEGAL_FORM_IN_CAPITALS) && token.tally.shape() == Some(Shape::Upper)
    };
    reading.tokens.iter().any(is_legal_form)
}

/// 3.2, 3.3 and 3.5: a sign that no name has here.
fn spoils(rest: &[Glyph]) -> Option<NotAName> {
    let next = rest.get(1);
    match rest[0].ch {
        sign if lists::FOREIGN_SIGNS.contains(&sign) => Some(NotAName::ForeignSign),
        ':' if matches!(rest, [_, a, b, ..] if a.ch == '/' && b.ch == '/') => {
            Some(NotAName::UrlOrLostLetter)
        }
        '?' if next.is_some_and(|next| next.ch == '?' || next.is_letter()) => {
            Some(NotAName::UrlOrLostLetter)
        }
        '&' if starts_html_entity(&rest[1..]) => Some(NotAName::HtmlEntity),
        _ => None,
    }
}

/// 3.4 UTF-8 read as Latin-1 or Windows-1252.
fn starts_broken_encoding(rest: &[Glyph]) -> bool {
    let [lead, tail, ..] = rest else { return false };
    match lead.ch {
        'â' => tail.ch == '€',
        '\u{C2}'..='\u{C5}' | '\u{CE}'..='\u{D1}' => {
            matches!(tail.ch, '\u{80}'..='\u{9F}' | '\u{A1}'..='\u{BF}')
                || lists::WINDOWS_1252.contains(&tail.ch)
        }
        _ => false,
    }
}

/// 3.5, after the `&`.
fn starts_html_entity(rest: &[Glyph]) -> bool {
    let letters = rest
        .iter()
        .take_while(|glyph| glyph.ch.is_ascii_alphabetic())
        .count();
    letters > 0 && rest.get(letters).is_some_and(|glyph| glyph.ch == ';')
}

/// 3.6
fn is_www(token: &[Glyph]) -> bool {
    token.len() >= 4
        && token
            .iter()
            .zip("www.".chars())
            .all(|(g, w)| g.ch.eq_ignore_ascii_case(&w))
}

/// 3.7 `label.tld`
fn is_domain(token: &[Glyph]) -> bool {
    let mut pieces = token.rsplit(|glyph| glyph.ch == '.');
    let (Some(last), Some(before)) = (pieces.next(), pieces.next()) else {
        return false;
    };
    before.len() >= 3 && is_one_of(&Fold::of(last), lists::TOP_LEVEL_DOMAINS)
}

/// 3.7 `t.me/anna`: in front of a slash a full stop, a letter or digit before it, and a domain after it.
fn has_path(token: &[Glyph]) -> bool {
    let mut from = 0;
    while let Some(length) = token[from..].iter().position(|glyph| glyph.ch == '/') {
        let piece = &token[from..from + length];
        if let Some(dot) = piece.iter().rposition(|glyph| glyph.ch == '.')
            && dot > 0
            && matches!(piece[dot - 1].kind, Kind::Letter | Kind::Digit)
            && is_one_of(&Fold::of(&piece[dot + 1..]), lists::TOP_LEVEL_DOMAINS)
        {
            return true;
        }
        from += length + 1;
    }
    false
}

/// Without the characters at both ends that are neither letter, mark nor digit.
fn strip(token: &[Glyph]) -> &[Glyph] {
    let counts = |glyph: &Glyph| matches!(glyph.kind, Kind::Letter | Kind::Mark | Kind::Digit);
    match (
        token.iter().position(counts),
        token.iter().rposition(counts),
    ) {
        (Some(first), Some(last)) => &token[first..=last],
        _ => &[],
    }
}
