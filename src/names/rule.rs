//! The rules by name, so that each decision can be explained.

/// The rule that decided about a word. A word may meet several (one for each of its parts):
/// the variants stand from the most general to the most telling, and the most telling one is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Nothing had to change.
    Kept,
    /// Plain style: nothing had to change.
    PlainKept,
    /// Token without cased letters (5.1).
    Uncased,
    /// Part that starts with a letter without case (7).
    UncasedStart,
    /// Plain style: first letter up, the rest down (4).
    Plain,
    /// Typed mixed case is kept (7, shape M).
    MixedCase,
    /// Title case (7.1).
    TitleCase,
    /// Two capitals that are initials stay (7.2).
    TwoCapitals,
    /// Three capitals without a vowel are initials, too (7).
    ThreeCapitals,
    /// A second capital that is no typo stays (7.4).
    SecondCapital,
    /// A lower first letter before a capital stays (7).
    LowerStart,
    /// The first letter of a mixed-case word is raised (7).
    FirstLetter,
    /// The shift key that came late is repaired (7, shape SH).
    LateShift,
    /// Capitals after a typed prefix are lowered (7.5).
    CapsTail,
    /// Georgian capitals are lowered (2).
    Georgian,
    /// Dutch `ij` is one letter (2).
    DutchIj,
    /// A letter after an apostrophe prefix is raised (7.1.4).
    ApostrophePrefix,
    /// A listed `Mac` name (7.1.3).
    Mac,
    /// `Mc` and a capital (7.1.2).
    Mc,
    /// Irish `h` or `t` before a capital, after `Ó` or `Mac an` (6.7).
    IrishH,
    /// A single `'t`, `'s` or `'n` inside a hyphenated word (6.5).
    ClippedPart,
    /// A particle between hyphens (6.5).
    InnerPart,
    /// A patronymic word after the last hyphen (6.5).
    LastPart,
    /// A particle after the last hyphen, before another word (6.5).
    ParticlePart,
    /// A typed lower-case particle beside a hyphen or after a full stop (6.5).
    KeptPart,
    /// The typed lower-case ending of a title such as `Dott.ssa` (6.5).
    TitleEnding,
    /// A typed lower-case article before a hyphen (6.5).
    KeptArticle,
    /// A typed lower-case syllable after a hyphen, Korean and Chinese (6.5).
    KeptSyllable,
    /// The second syllable of a Korean given name is lowered (6.5).
    LoweredSyllable,
    /// Gaelic `t-` before an `S` (6.5).
    GaelicT,
    /// French `d'` stays lower (6.5).
    FrenchD,
    /// A token with a digit (5.1).
    Digit,
    /// A typed lower-case note in brackets (5.1).
    BracketedNote,
    /// The token `'t`, `'s` or `'n` (5.3).
    Clipped,
    /// A particle is lowered (6.1).
    Particle,
    /// A particle begins a surname and is raised (6.1).
    SurnameStart,
    /// A typed lower-case particle is kept (6.2).
    KeptParticle,
    /// A typed lower-case particle opens the field and is kept (6.2, `leading_particle`).
    LeadingParticle,
    /// A typed lower-case abbreviation is kept (6.6).
    Abbreviation,
    /// Russian `Г-н` has one capital (6.6).
    CourtesyTitle,
    /// A post-nominal such as `PhD` (6.3).
    PostNominal,
    /// A numeral such as `III` (6.4).
    Numeral,
    /// An override for this word (8).
    Override,
    /// The field is no name and stays whole (3).
    NotAName(NotAName),
    /// An override for the whole field (8).
    FieldOverride,
}

/// Why a field is no name: the eight tests of policy section 3, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotAName {
    /// 3.1 No cased letter.
    NoCasedLetter,
    /// 3.2 A sign or control character that no name has.
    ForeignSign,
    /// 3.3 `://`, `??`, or `?` before a letter.
    UrlOrLostLetter,
    /// 3.4 UTF-8 that was read as Latin-1.
    BrokenEncoding,
    /// 3.5 An HTML entity.
    HtmlEntity,
    /// 3.6 `www.`.
    Www,
    /// 3.7 A domain such as `example.ru`.
    Domain,
    /// 3.8 A company's legal form.
    LegalForm,
}

impl Rule {
    /// A stable identifier for machines, such as `mc`.
    pub fn name(self) -> &'static str {
        self.description().0
    }

    /// The section of the policy that holds the rule, such as `7.1.2`.
    pub fn section(self) -> &'static str {
        self.description().1
    }

    /// The rule in a few words, for people.
    pub fn title(self) -> &'static str {
        self.description().2
    }

    /// The word is lower by 6.1 or 6.2.
    pub(super) fn is_lower_particle(self) -> bool {
        matches!(
            self,
            Rule::Particle | Rule::KeptParticle | Rule::LeadingParticle
        )
    }

    fn description(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Rule::Kept => ("kept", "7", "fine as it is"),
            Rule::PlainKept => ("kept", "4", "fine as it is"),
            Rule::Uncased => ("uncased", "5.1", "no letters that have case"),
            Rule::UncasedStart => ("uncased-start", "7", "starts with a letter without case"),
            Rule::Plain => ("plain", "4", "plain style: first letter up, the rest down"),
            Rule::MixedCase => ("mixed-case", "7", "typed mixed case is kept"),
            Rule::TitleCase => ("title-case", "7.1", "first letter up, the rest down"),
            Rule::FirstLetter => ("first-letter", "7", "the first word starts with a capital"),
            Rule::LowerStart => (
                "lower-start",
                "7",
                "typed lower in front of a capital, and kept",
            ),
            Rule::TwoCapitals => ("two-capitals", "7.2", "two capitals are initials"),
            Rule::ThreeCapitals => ("three-capitals", "7", "three capitals are initials"),
            Rule::SecondCapital => ("second-capital", "7.4", "a second capital that is no typo"),
            Rule::LateShift => (
                "late-shift",
                "7",
                "the shift key was held too long or came late",
            ),
            Rule::CapsTail => ("caps-tail", "7.5", "capitals after a typed prefix"),
            Rule::Georgian => ("georgian", "2", "Georgian is written without capitals"),
            Rule::DutchIj => ("dutch-ij", "2", "Dutch IJ is one letter"),
            Rule::ApostrophePrefix => ("apostrophe-prefix", "7.1.4", "a prefix with an apostrophe"),
            Rule::Mac => ("mac", "7.1.3", "a listed Mac name"),
            Rule::Mc => ("mc", "7.1.2", "Mc and a capital"),
            Rule::IrishH => ("irish-h", "6.7", "Irish h or t before a capital"),
            Rule::ClippedPart => ("clipped-part", "6.5", "'t, 's or 'n inside a word"),
            Rule::InnerPart => ("inner-part", "6.5", "a particle between hyphens"),
            Rule::LastPart => ("last-part", "6.5", "a patronymic word after a hyphen"),
            Rule::ParticlePart => ("particle-part", "6.5", "a particle after a hyphen"),
            Rule::KeptPart => (
                "kept-part",
                "6.5",
                "a typed lower-case particle inside a word",
            ),
            Rule::TitleEnding => ("title-ending", "6.5", "the ending of a title"),
            Rule::KeptArticle => ("kept-article", "6.5", "a typed lower-case article"),
            Rule::KeptSyllable => ("kept-syllable", "6.5", "a typed lower-case syllable"),
            Rule::LoweredSyllable => ("lowered-syllable", "6.5", "a second syllable is lower"),
            Rule::GaelicT => ("gaelic-t", "6.5", "Gaelic t- is lower"),
            Rule::FrenchD => ("french-d", "6.5", "French d' is lower"),
            Rule::Digit => ("digit", "5.1", "has a digit"),
            Rule::BracketedNote => (
                "bracketed-note",
                "5.1",
                "a typed lower-case note in brackets",
            ),
            Rule::Clipped => ("clipped", "5.3", "'t, 's or 'n"),
            Rule::Particle => ("particle", "6.1", "a particle is lower"),
            Rule::SurnameStart => ("surname-start", "6.1", "a surname starts here"),
            Rule::KeptParticle => ("kept-particle", "6.2", "a typed lower-case particle"),
            Rule::LeadingParticle => (
                "leading-particle",
                "6.2",
                "a particle typed lower in front of a capital, and kept",
            ),
            Rule::Abbreviation => ("abbreviation", "6.6", "a typed lower-case abbreviation"),
            Rule::CourtesyTitle => ("courtesy-title", "6.6", "Mr, Mrs or Dr in Russian"),
            Rule::PostNominal => ("post-nominal", "6.3", "a title after the name"),
            Rule::Numeral => ("numeral", "6.4", "a Roman numeral"),
            Rule::Override => ("override", "8", "an override for this word"),
            Rule::FieldOverride => ("field-override", "8", "an override for the whole field"),
            Rule::NotAName(reason) => reason.description(),
        }
    }
}

impl NotAName {
    fn description(self) -> (&'static str, &'static str, &'static str) {
        match self {
            NotAName::NoCasedLetter => (
                "not-a-name-uncased",
                "3.1",
                "no name: no letter that has case",
            ),
            NotAName::ForeignSign => ("not-a-name-sign", "3.2", "no name: a sign that no name has"),
            NotAName::UrlOrLostLetter => (
                "not-a-name-lost-letter",
                "3.3",
                "no name: an address, or a lost letter",
            ),
            NotAName::BrokenEncoding => (
                "not-a-name-encoding",
                "3.4",
                "no name: text in a broken encoding",
            ),
            NotAName::HtmlEntity => ("not-a-name-html", "3.5", "no name: an HTML entity"),
            NotAName::Www => ("not-a-name-www", "3.6", "no name: a web address"),
            NotAName::Domain => ("not-a-name-domain", "3.7", "no name: a domain"),
            NotAName::LegalForm => ("not-a-name-company", "3.8", "no name: a company"),
        }
    }
}
