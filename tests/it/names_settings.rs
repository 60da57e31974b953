//! The `[names]` keys and the overrides file, policy sections 5, 6.1, 7.1.3 and 8.

use std::borrow::Cow;

use b24_tidyd::names::{
    Engine, Field, Language, LeadingParticle, NotAName, Overrides, Rule, Settings, Style,
};

fn tidy(settings: &Settings, field: Field, text: &str) -> String {
    Engine::new(settings.clone()).tidy(field, text).into_owned()
}

fn with_overrides(file: &str) -> Settings {
    let overrides = Overrides::parse(file.as_bytes()).unwrap();
    Settings {
        overrides,
        ..Settings::default()
    }
}

#[test]
fn defaults_are_the_contracts() {
    let settings = Settings::default();
    assert_eq!(settings.style, Style::Smart);
    assert_eq!(settings.language.as_str(), "und");
    assert_eq!(settings.leading_particle, LeadingParticle::Keep);
    assert!(settings.particles_enabled);
    assert_eq!(settings.mac_names, None);
    assert!(settings.overrides.is_empty());
}

#[test]
fn languages_are_bcp_47_tags() {
    for (tag, primary) in [
        ("und", "und"),
        ("pt-BR", "pt"),
        ("AZ-Latn-AZ", "az"),
        ("zh", "zh"),
        ("nl-Latn-be", "nl"),
    ] {
        assert_eq!(Language::parse(tag).unwrap().as_str(), primary);
    }
    for (tag, said) in [
        ("pt-BR", "pt"),
        ("nl-Latn-be", "nl-BE"),
        ("nl-NL", "nl"),
        ("nl-x-be", "nl"),
        ("fr-BE", "fr"),
    ] {
        assert_eq!(Language::parse(tag).unwrap().to_string(), said);
    }
    for tag in ["", "t", "pt_BR", "pt-", "deutschland", "de-abcdefghi", "ру"] {
        assert!(Language::parse(tag).is_err(), "{tag:?}");
    }
}

#[test]
fn a_first_word_typed_lower_is_kept_or_raised() {
    let keep = Settings::default();
    let capital = Settings {
        leading_particle: LeadingParticle::Capital,
        ..Settings::default()
    };
    for (input, kept, raised) in [
        ("van der Berg", "van der Berg", "Van der Berg"),
        ("von Trapp", "von Trapp", "Von Trapp"),
        ("dos Santos", "dos Santos", "Dos Santos"),
        ("della Rocca", "della Rocca", "Della Rocca"),
        ("al-Assad", "al-Assad", "Al-Assad"),
        ("d'Arnaud", "d'Arnaud", "D'Arnaud"),
        ("deGrom", "deGrom", "DeGrom"),
        ("dr. Kovács", "dr. Kovács", "Dr. Kovács"),
        ("г-н Петров", "г-н Петров", "Г-н Петров"),
        ("o'Neill", "O'Neill", "O'Neill"),
        ("van der berg", "Van der Berg", "Van der Berg"),
        ("VAN DER BERG", "Van der Berg", "Van der Berg"),
        ("Van Der Berg", "Van Der Berg", "Van Der Berg"),
        ("e Silva", "E Silva", "E Silva"),
        ("bell Hooks", "Bell Hooks", "Bell Hooks"),
    ] {
        assert_eq!(tidy(&keep, Field::LastName, input), kept, "{input}");
        assert_eq!(tidy(&capital, Field::LastName, input), raised, "{input}");
    }
    assert_eq!(tidy(&keep, Field::SecondName, "van der"), "van der");
    assert_eq!(tidy(&capital, Field::SecondName, "van der"), "Van Der");
}

#[test]
fn particles_can_be_switched_off() {
    let off = Settings {
        particles_enabled: false,
        extra_particles: vec!["bar".into()],
        ..Settings::default()
    };
    for (input, expected) in [
        ("jan van der berg", "Jan Van Der Berg"),
        ("ALI OGLY", "Ali Ogly"),
        ("ali-oglu", "Ali-Oglu"),
        ("ALI BAR KOKHBA", "Ali Bar Kokhba"),
        ("Maria do Carmo", "Maria do Carmo"),
        ("Ali bar Kokhba", "Ali bar Kokhba"),
        ("Ali ogly", "Ali ogly"),
        ("VAN gogh", "Van Gogh"),
        ("MAC AN BHAIRD", "Mac An Bhaird"),
    ] {
        assert_eq!(tidy(&off, Field::Name, input), expected, "{input}");
    }
}

#[test]
fn particles_can_be_added() {
    let extra = Settings {
        extra_particles: vec!["Bar".into(), "ó".into()],
        ..Settings::default()
    };
    for (input, expected) in [
        ("SIMON BAR KOKHBA", "Simon bar Kokhba"),
        ("simon bar", "Simon Bar"),
        ("bar Kokhba", "bar Kokhba"),
        ("SEAN Ó RIADA", "Sean ó Riada"),
        ("sean o\u{301} riada", "Sean o\u{301} Riada"),
        ("S Ó RIADA", "S Ó Riada"),
    ] {
        assert_eq!(tidy(&extra, Field::Name, input), expected, "{input}");
    }
    let wanted_in_english = Settings {
        language: Language::parse("en").unwrap(),
        extra_particles: vec!["van".into()],
        ..Settings::default()
    };
    for (input, expected) in [("JAN VAN DAM", "Jan van Dam"), ("JAN DE DAM", "Jan De Dam")] {
        let output = tidy(&wanted_in_english, Field::Name, input);
        assert_eq!(
            output, expected,
            "a word that English leaves out is listed again"
        );
    }
}

#[test]
fn mac_names_can_be_replaced() {
    let own = |names: &[&str]| Settings {
        mac_names: Some(names.iter().map(|&name| name.to_owned()).collect()),
        ..Settings::default()
    };
    assert_eq!(
        tidy(&own(&["MacKenzie"]), Field::LastName, "MACKENZIE"),
        "MacKenzie"
    );
    assert_eq!(
        tidy(&own(&["MacKenzie"]), Field::LastName, "macleod"),
        "Macleod"
    );
    assert_eq!(tidy(&own(&[]), Field::LastName, "macleod"), "Macleod");
    assert_eq!(
        tidy(&own(&["fitzroy"]), Field::LastName, "fitzroy"),
        "FitZroy"
    );
}

const FILE: &str = "\u{FEFF}# exact spellings
MacKenzie
bell hooks   # the author

LAST_NAME: von Trapp
NAME: deAndre
X@Y
";

#[test]
fn an_override_for_the_whole_field_wins_over_everything() {
    let settings = with_overrides(FILE);
    assert_eq!(
        tidy(&settings, Field::Name, " BELL HOOKS\t"),
        " bell hooks\t"
    );
    assert_eq!(tidy(&settings, Field::LastName, "VON TRAPP"), "von Trapp");
    assert_eq!(tidy(&settings, Field::Name, "VON TRAPP"), "Von Trapp");
    assert_eq!(tidy(&settings, Field::Name, "x@y"), "X@Y");
    let plain = Settings {
        style: Style::Plain,
        ..settings
    };
    assert_eq!(tidy(&plain, Field::Name, "Bell Hooks"), "bell hooks");
}

#[test]
fn an_override_for_a_token_decides_that_token() {
    let settings = with_overrides(FILE);
    assert_eq!(
        tidy(&settings, Field::LastName, "MACKENZIE SMITH"),
        "MacKenzie Smith"
    );
    assert_eq!(
        tidy(&settings, Field::Name, "DEANDRE smith"),
        "deAndre Smith"
    );
    assert_eq!(tidy(&settings, Field::LastName, "DEANDRE"), "Deandre");
    assert_eq!(tidy(&settings, Field::Name, "bell smith"), "Bell Smith");
    assert_eq!(
        tidy(&settings, Field::Name, "MACKENZIE-SMITH"),
        "Mackenzie-Smith"
    );
    assert_eq!(
        tidy(&settings, Field::Name, "mackenzie@smith x"),
        "mackenzie@smith x"
    );
    let plain = Settings {
        style: Style::Plain,
        ..settings
    };
    assert_eq!(
        tidy(&plain, Field::LastName, "SMITH MACKENZIE"),
        "Smith MacKenzie"
    );
}

#[test]
fn an_override_lays_case_over_equal_letters_only() {
    let settings = with_overrides("O'neill\nWEISS\nJOSÉ\nİlhan\nvan\n");
    assert_eq!(tidy(&settings, Field::LastName, "O'NEILL"), "O'neill");
    assert_eq!(
        tidy(&settings, Field::LastName, "O’NEILL"),
        "O’Neill",
        "another apostrophe"
    );
    assert_eq!(
        tidy(&settings, Field::LastName, "weiß"),
        "Weiß",
        "fewer code points"
    );
    assert_eq!(tidy(&settings, Field::Name, "josé"), "JOSÉ");
    assert_eq!(
        tidy(&settings, Field::Name, "jose\u{301}"),
        "Jose\u{301}",
        "another normal form"
    );
    assert_eq!(
        tidy(&settings, Field::Name, "ILHAN"),
        "Ilhan",
        "I and İ differ"
    );
    assert_eq!(
        tidy(&settings, Field::Name, "VAN x"),
        "van X",
        "no first-word rule"
    );
}

#[test]
fn later_lines_win_and_a_field_prefix_wins_over_none() {
    assert_eq!(
        tidy(&with_overrides("ABC\nabc\n"), Field::Name, "Abc"),
        "abc"
    );
    let settings = with_overrides("NAME: ABC\nabc\nNAME: aBc\naBC");
    assert_eq!(tidy(&settings, Field::Name, "Abc"), "aBc");
    assert_eq!(tidy(&settings, Field::LastName, "Abc"), "aBC");
}

#[test]
fn every_bad_line_of_the_overrides_file_is_named() {
    let errors =
        Overrides::parse(b"# \xE9\nvan\r\nTITLE: Dr\nNAME:\nNAME: S:t Clair\n").unwrap_err();
    let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [1, 3, 4]);
    assert_eq!(
        errors[0].to_string(),
        "line 1: not UTF-8: save the file in that encoding"
    );
    assert_eq!(
        errors[1].to_string(),
        "line 3: unknown prefix \"TITLE\": use NAME:, SECOND_NAME: or LAST_NAME:"
    );
    assert_eq!(errors[2].to_string(), "line 4: nothing stands after NAME:");
}

#[test]
fn a_text_that_needs_no_change_is_borrowed() {
    let engine = Engine::new(Settings::default());
    for text in [
        "John",
        "Jan van der Berg",
        "",
        "ivan@example.com",
        "Ελένη Ζωή",
    ] {
        assert!(
            matches!(engine.tidy(Field::Name, text), Cow::Borrowed(_)),
            "{text}"
        );
    }
    assert!(matches!(engine.tidy(Field::Name, "john"), Cow::Owned(_)));
}

#[test]
fn the_deciding_rule_is_named() {
    let keep = Settings {
        language: Language::parse("fr").unwrap(),
        ..with_overrides("MacKenzie\nbell hooks\n")
    };
    let engine = Engine::new(keep);
    for (text, rules) in [
        ("JOHN Smith", &[Rule::TitleCase, Rule::Kept][..]),
        (
            "van der Berg",
            &[Rule::LeadingParticle, Rule::Particle, Rule::Kept],
        ),
        (
            "Maria do Carmo 3rd",
            &[Rule::Kept, Rule::KeptParticle, Rule::Kept, Rule::Digit],
        ),
        ("MCDONALD-SMITH Macleod", &[Rule::Mc, Rule::Kept]),
        ("macleod o'neill", &[Rule::Mac, Rule::ApostrophePrefix]),
        (
            "MACKENZIE 't hooft",
            &[Rule::Override, Rule::Clipped, Rule::TitleCase],
        ),
        ("Bell Hooks", &[Rule::FieldOverride, Rule::FieldOverride]),
        (
            "JF Abd-el-kader D'ARC",
            &[Rule::TwoCapitals, Rule::InnerPart, Rule::FrenchD],
        ),
        (
            "SMith OBrien FitzGERALD",
            &[Rule::LateShift, Rule::SecondCapital, Rule::CapsTail],
        ),
        ("deAndre JoAnn", &[Rule::LowerStart, Rule::MixedCase]),
        (
            "oNeill van Dam",
            &[Rule::FirstLetter, Rule::Particle, Rule::Kept],
        ),
        (
            "JRR Tolkien (author)",
            &[Rule::ThreeCapitals, Rule::Kept, Rule::BracketedNote],
        ),
        (
            "Г-ЖА Keller geb. KOCH",
            &[
                Rule::CourtesyTitle,
                Rule::Kept,
                Rule::Abbreviation,
                Rule::TitleCase,
            ],
        ),
        (
            "Ortega-y-Gasset Dott.ssa JANSEN-DE Vries",
            &[
                Rule::KeptPart,
                Rule::TitleEnding,
                Rule::ParticlePart,
                Rule::Kept,
            ],
        ),
        ("Kai-shek", &[Rule::KeptSyllable]),
        (
            "mac an tsaoir",
            &[Rule::TitleCase, Rule::Particle, Rule::IrishH],
        ),
        (
            "mac an t-saoir",
            &[Rule::TitleCase, Rule::Particle, Rule::GaelicT],
        ),
        (
            "smith phd iii ooo.",
            &[
                Rule::TitleCase,
                Rule::PostNominal,
                Rule::Numeral,
                Rule::TitleCase,
            ],
        ),
        (
            "ó huiginn ßeta 王",
            &[
                Rule::TitleCase,
                Rule::IrishH,
                Rule::UncasedStart,
                Rule::Uncased,
            ],
        ),
        ("ᲜᲘᲜᲝ ali-OGLU", &[Rule::Georgian, Rule::LastPart]),
        (
            "Ali al-Assad in-'t-veld",
            &[Rule::Kept, Rule::KeptArticle, Rule::ClippedPart],
        ),
        ("acme llc", &[Rule::NotAName(NotAName::LegalForm); 2]),
        ("ivan@example.com", &[Rule::NotAName(NotAName::ForeignSign)]),
    ] {
        let explanation = engine.explain(Field::LastName, text);
        let named: Vec<Rule> = explanation.words.iter().map(|word| word.rule).collect();
        assert_eq!(named, rules, "{text}");
    }

    for (language, text, rules) in [
        (
            "en",
            "JOHN VAN DAM",
            [Rule::TitleCase, Rule::SurnameStart, Rule::TitleCase],
        ),
        (
            "ko",
            "jong-un KIM 3",
            [Rule::LoweredSyllable, Rule::TitleCase, Rule::Digit],
        ),
    ] {
        let engine = Engine::new(Settings {
            language: Language::parse(language).unwrap(),
            ..Settings::default()
        });
        let explanation = engine.explain(Field::Name, text);
        let named: Vec<Rule> = explanation.words.iter().map(|word| word.rule).collect();
        assert_eq!(named, rules, "{text}");
    }

    let plain = Engine::new(Settings {
        style: Style::Plain,
        ..with_overrides("McKay\n")
    });
    let explanation = plain.explain(Field::Name, "JOHN Smith mckay");
    let named: Vec<Rule> = explanation.words.iter().map(|word| word.rule).collect();
    assert_eq!(named, [Rule::Plain, Rule::PlainKept, Rule::Override]);
}
