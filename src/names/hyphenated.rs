//! Policy section 6.5: parts that have a rule of their own inside a hyphenated token.

use super::Rule;
use super::fold::Fold;
use super::glyph::Glyph;
use super::lexicon::Lists;
use super::part::PartContext;
use super::shape::Shape;

/// Where a letter part stands in its token, as the token was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Counted among the letter parts of the token, from 0.
    pub(super) number: usize,
    /// How many letter parts the token has.
    pub(super) count: usize,
    /// A hyphen stands directly before.
    pub(super) after_hyphen: bool,
    /// The letter part before begins with an upper letter.
    pub(super) follows_capital: bool,
}

impl Place {
    fn is_last(self) -> bool {
        self.number + 1 == self.count
    }

    fn is_inner(self) -> bool {
        self.number > 0 && !self.is_last()
    }
}

/// Applies the first of the rules that fits: `'t`, interior, last, kept article, Korean and Chinese,
/// French. `None` if none does.
pub(super) fn tidy(context: &PartContext<'_>, place: Place, part: &mut [Glyph]) -> Option<Rule> {
    let shape = Shape::of(part)?;
    let fold = Fold::of(part);
    let lists = context.lexicon.lists_of(&fold);
    let is_typed_lower = shape == Shape::Lower;
    let opens_the_field = context.in_first_token && place.number == 0;

    if lists.has(Lists::CLIPPED) {
        context.casing.lower_all(part);
        Some(Rule::ClippedPart)
    } else if lists.has(Lists::INNER_PART)
        && shape.is_uniform()
        && place.after_hyphen
        && place.is_inner()
    {
        context.casing.lower_all(part);
        Some(Rule::InnerPart)
    } else if lists.has(Lists::PATRONYMIC_WORD)
        && shape.is_uniform()
        && place.after_hyphen
        && place.is_last()
    {
        context.casing.lower_all(part);
        Some(Rule::LastPart)
    } else if lists.has(Lists::ARTICLE)
        && is_typed_lower
        && context.reading.has_upper
        && !place.is_last()
        && !opens_the_field
    {
        Some(Rule::KeptArticle)
    } else if context.language.is_any(&["ko", "zh"])
        && is_typed_lower
        && place.after_hyphen
        && place.follows_capital
    {
        Some(Rule::KeptSyllable)
    } else if context.language.is_any(&["fr"])
        && !context.in_first_token
        && place.number == 0
        && shape.is_uniform()
        && fold.as_str().starts_with("d'")
    {
        lower_french_d(context, part);
        Some(Rule::FrenchD)
    } else {
        None
    }
}

/// Title case, then the `d` lower: `d'Ormesson`.
fn lower_french_d(context: &PartContext<'_>, part: &mut [Glyph]) {
    let mut capitals = context.title_case(part).capitals;
    if !capitals.is_empty() {
        capitals.remove(0);
    }
    context.casing.capitalise(part, &capitals);
}
