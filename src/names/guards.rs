//! Policy section 3: fields that are no names stay whole.

use super::fold::Fold;
use super::glyph::{Glyph, Kind};
use super::lexicon::{Lexicon, Lists, is_one_of};
use super::text::Span;
use super::{NotAName, Rule, lists};

/// The tests of both styles, 3.1 to 3.7, in their order.
pub(super) fn not_a_name(field: &[Glyph], words: &[(Span, Rule)]) -> Option<NotAName> {
    let any = |test: fn(&[Glyph]) -> bool| (0..field.len()).any(|at| test(&field[at..]));
    if !field
        .iter()
        .any(|glyph| glyph.is_cased() || glyph.is_mtavruli())
    {
        Some(NotAName::NoCasedLetter)
    } else if field.iter().any(is_foreign_sign) {
        Some(NotAName::ForeignSign)
    } else if any(starts_url_or_lost_letter) {
        Some(NotAName::UrlOrLostLetter)
    } else if any(starts_broken_encoding) {
        Some(NotAName::BrokenEncoding)
    } else if any(starts_html_entity) {
        Some(NotAName::HtmlEntity)
    } else if words.iter().any(|(word, _)| is_www(&field[word.clone()])) {
        Some(NotAName::Www)
    } else if matches!(words, [(word, _)] if is_domain(&field[word.clone()])) {
        Some(NotAName::Domain)
    } else {
        None
    }
}

/// 3.8, smart style only: two or more tokens, one of them a legal form.
pub(super) fn is_company(lexicon: &Lexicon, field: &[Glyph], words: &[(Span, Rule)]) -> bool {
    words.len() >= 2
        && words.iter().any(|(word, _)| {
            let fold = Fold::of(strip(&field[word.clone()]));
            lexicon.lists_of(&fold).has(Lists::LEGAL_FORM)
        })
}

/// 3.2
fn is_foreign_sign(glyph: &Glyph) -> bool {
    let signs = "@_<>{}[]=#|\\^~\u{FFFD}";
    match glyph.kind {
        Kind::Control | Kind::PrivateUse => true,
        Kind::Other => signs.contains(glyph.ch),
        _ => false,
    }
}

/// 3.3
fn starts_url_or_lost_letter(rest: &[Glyph]) -> bool {
    match rest {
        [colon, slash, second, ..] if colon.ch == ':' => slash.ch == '/' && second.ch == '/',
        [question, next, ..] if question.ch == '?' => next.ch == '?' || next.is_letter(),
        _ => false,
    }
}

/// 3.4
fn starts_broken_encoding(rest: &[Glyph]) -> bool {
    matches!(rest, [lead, tail, ..]
        if matches!(lead.ch, '\u{C2}'..='\u{C5}' | '\u{D0}' | '\u{D1}')
            && matches!(tail.ch, '\u{80}'..='\u{9F}' | '\u{A1}'..='\u{BF}'))
}

/// 3.5
fn starts_html_entity(rest: &[Glyph]) -> bool {
    let [ampersand, rest @ ..] = rest else {
        return false;
    };
    let name_length = |rest: &[Glyph]| {
        rest.iter()
            .position(|glyph| !glyph.ch.is_ascii_alphabetic())
            .unwrap_or(rest.len())
    };
    ampersand.ch == '&' && {
        let length = name_length(rest);
        length > 0 && rest.get(length).is_some_and(|glyph| glyph.ch == ';')
    }
}

/// 3.6
fn is_www(token: &[Glyph]) -> bool {
    token.len() >= 4
        && token
            .iter()
            .zip("www.".chars())
            .all(|(g, w)| g.ch.eq_ignore_ascii_case(&w))
}

/// 3.7
fn is_domain(token: &[Glyph]) -> bool {
    let mut pieces = token.rsplit(|glyph| glyph.ch == '.');
    let (Some(last), Some(before)) = (pieces.next(), pieces.next()) else {
        return false;
    };
    before.len() >= 3 && is_one_of(&Fold::of(last), lists::TOP_LEVEL_DOMAINS)
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
