//! What holds for every input, however odd: tidying twice changes nothing more, no code point comes
//! or goes, only case changes, explaining agrees with tidying, and nothing panics.
//!
//! `PROPTEST_CASES=1000000 cargo test --test it names_invariants` tries a million texts each.

use std::sync::LazyLock;

use b24_tidyd::names::{Engine, Field, Language, LeadingParticle, Overrides, Settings, Style};
use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;

const MAPPER: CaseMapperBorrowed<'static> = CaseMapper::new();

/// Words that rules look for, and letters that casing treats in a special way.
const WORDS: &str = "van von de del da dos du bin bint binti ibn and a/l s/o d/o фон де дель да ибн \
    бин и do das e es y i te ten ter op aan het zu zum vom des af av ap ab ferch der den dem 't 's 'n \
    la las los дер ден ла лас лос und zu ван оглы оглу кызы улы ұлы қызы oglu oğlu qizi qızı o'g'li \
    nguyen thi trần delle le el al ben abu in aan auf et of ди аль эль і та цу phd ph.d. mba bsc, \
    dphil pharmd psy.d llm ii iii iv vii viii xii xiv xviii xİİ ud ur bin ad an ar as at er es un \
    macdonald macintyre macisaac mackenzie mcdonald mcı mccoy o'neill o'tkir o'g'on d'angelo dell'utri \
    sant'anna m'baye n'diaye l'heureux de'andre о'нил д'яченко дем\"яненко дем*яненко sa'id ka'ahumanu \
    ʻiolani o‘tkir ó huiginn tsaoir hİx st dr jr sr md ng jf li bo ej ij ijsbrand ĳs yıldız ilhan İnce \
    ışık i\u{307}nce γιώργος σς ας σ. ὀδυσσεύς ᾳδης größe strauẞ ẞ ß ßeta ﬁona ŉa ǰa ǆordan ǉa ꟃ ſt \
    հակոբ և ანა ᲜᲘᲜᲝ ᲐX 李ming ªa ʰa deandre leblanc fitzgerald vandyke odonnell dsouza mbappe ndiaye \
    an na a' mac nic mhic tsaoir t-saoir uí ní hİggins de' née z à й дзі geb. med. dipl.-ing. st. г-н г-жа, \
    к.т.н. и.и. dott.ssa prof.ra заде хан kai-shek jong-un ят-сен ch'eng-tu jrr bmw wm. kh beng mchem csc \
    o'razova ντ'αρτ ο'νιλ degl'in william max ooo s.r.o. t.me/a nicleòid nicolson qizi ogli \
    smith мария дмитрий й\u{308} e\u{301}lodie s\u{323}\u{307} k o d l m n j 3rd x2 ⅷ llc ооо gmbh";

const JOINTS: &[&str] = &[
    " ", " ", " ", " ", "-", "-", "-", "'", "’", "ʻ", ".", ". ", ", ", "  ", "\u{A0}", "\u{3000}",
    "\u{200B}", "\u{2010}", "\u{2011}", "/", "·", "\"", "*", "", "\u{307}", "\u{301}", "\u{AD}",
    "🔥", "(", ")", "?", "&", "\u{200F}", "\t",
];

/// Characters of every class that the policy tells apart, and some that it does not.
const CHARACTERS: &str = "aeioubcdhjklmnrstxzAEIOUBCDHJKLMNRSTXZ ıİiIſK Åßẞﬁŉǰǅǆǈǲªʰɑƛꟛ ΣσςάΩωΆᾳᾼΐᾈ\
    фиояюєїйІЇѢѣԀᲀᲈ հՀևՎ ᲐᲿაჿ ⴀꙀ ᏣꭰꮿᎠ 𐐀𐐨 𞤀𞤢 Ⓐⓐ ⅷ²①٣ 李さ김ไअ دוא '’ʼ´`′＇ʻ‘ʿʾ·\"* -‐‑–.,/&+()«»?!:; \
    \u{300}\u{301}\u{307}\u{308}\u{323}\u{345}\u{200B}\u{200D}\u{200F}\u{FEFF}\u{AD}\u{A0}\u{3000}\u{85}\
    \t\n@_<#|\u{FFFD}\u{7F}\u{E000}\u{378}\u{10FFFF}ÂÃÐÑ\u{80}¿👩🔥";

const LANGUAGES: &[&str] = &[
    "und", "und", "und", "tr", "az", "gag", "nl", "nl-BE", "fr", "de", "pt", "es", "ca", "en",
    "it", "uz", "ko", "zh", "vi", "ga", "gd", "fo", "sv",
];

/// A word as people and machines mistype it.
fn spelling(word: &str, manner: u8, coins: u64) -> String {
    let raise = |at: usize| match manner {
        1 => true,
        2 => at == 0,
        3 => at > 0,
        4 => at < 2,
        5 => at >= 3,
        _ => coins >> (at % 64) & 1 == 1,
    };
    let spell = |(at, ch): (usize, char)| match manner {
        0 => ch,
        _ if raise(at) => MAPPER.simple_uppercase(ch),
        2..=4 => MAPPER.simple_lowercase(ch),
        _ => ch,
    };
    word.chars().enumerate().map(spell).collect()
}

fn word() -> impl Strategy<Value = String> {
    let words: Vec<&str> = WORDS.split(' ').collect();
    (select(words), 0..8u8, any::<u64>())
        .prop_map(|(word, manner, coins)| spelling(word, manner, coins))
}

fn name_like() -> impl Strategy<Value = String> {
    prop::collection::vec((word(), select(JOINTS)), 1..6).prop_map(|pieces| {
        pieces
            .iter()
            .flat_map(|(word, joint)| [word.as_str(), joint])
            .collect()
    })
}

fn wild() -> impl Strategy<Value = String> {
    let characters: Vec<char> = CHARACTERS.chars().collect();
    let character = prop_oneof![
        12 => select(characters),
        3 => prop::char::range('\u{20}', '\u{58F}'),
        1 => any::<char>(),
    ];
    prop::collection::vec(character, 0..14).prop_map(String::from_iter)
}

/// One or two words of plain letters, as most fields hold.
fn plain_words() -> impl Strategy<Value = String> {
    let letters: Vec<char> = "abcdehijmnosvxéöÿæabeinmабвгдежёийоєіџ".chars().collect();
    let word = (
        prop::collection::vec(select(letters), 1..7),
        0..8u8,
        any::<u64>(),
    )
        .prop_map(|(letters, manner, coins)| spelling(&String::from_iter(letters), manner, coins));
    prop::collection::vec(prop_oneof![3 => word, 1 => self::word()], 1..4)
        .prop_map(|words| words.join(" "))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => plain_words(),
        6 => name_like(),
        3 => wild(),
        1 => (name_like(), wild()).prop_map(|(name, wild)| name + &wild),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    let particles = prop_oneof![6 => Just(true), 1 => Just(false)];
    (
        select(LANGUAGES),
        0..5u8,
        any::<bool>(),
        particles,
        any::<bool>(),
    )
        .prop_map(
            |(language, style, keep, particles_enabled, custom)| Settings {
                style: if style == 0 {
                    Style::Plain
                } else {
                    Style::Smart
                },
                language: Language::parse(language).unwrap(),
                leading_particle: if keep {
                    LeadingParticle::Keep
                } else {
                    LeadingParticle::Capital
                },
                particles_enabled,
                extra_particles: if custom {
                    vec!["k".into(), "un".into()]
                } else {
                    Vec::new()
                },
                mac_names: custom.then(|| vec!["mackenzie".into(), "macİnce".into()]),
                overrides: Overrides::default(),
            },
        )
}

/// Engines for many settings, as building one is slow beside tidying one name.
fn engine() -> impl Strategy<Value = &'static Engine> {
    static ENGINES: LazyLock<Vec<Engine>> = LazyLock::new(|| {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let mut draw = || settings().new_tree(&mut runner).unwrap().current();
        (0..400).map(|_| draw()).map(Engine::new).collect()
    });
    (0..ENGINES.len()).prop_map(|at| &ENGINES[at])
}

fn field() -> impl Strategy<Value = Field> {
    select(&Field::ALL[..])
}

/// Full folding; where Turkic casing was used, its four letters count as one.
fn fold(text: &str, turkic: bool) -> String {
    if turkic {
        MAPPER
            .fold_string(&text.replace(['İ', 'I', 'ı'], "i"))
            .into_owned()
    } else {
        MAPPER.fold_string(text).into_owned()
    }
}

/// The invariants that hold with overrides too. Answers the tidied text.
fn check(engine: &Engine, field: Field, text: &str) -> Result<String, TestCaseError> {
    let output = engine.tidy(field, text).into_owned();
    prop_assert_eq!(engine.tidy(field, &output), output.as_str(), "tidied again");
    prop_assert_eq!(text.chars().count(), output.chars().count());
    let explanation = engine.explain(field, text);
    prop_assert_eq!(&explanation.output, &output);
    let words: Vec<&str> = explanation
        .words
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    prop_assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
    let words: Vec<&str> = explanation
        .words
        .iter()
        .map(|word| word.output.as_str())
        .collect();
    prop_assert_eq!(words, output.split_whitespace().collect::<Vec<_>>());
    Ok(output)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_case_changes_and_only_once(engine in engine(), field in field(), text in text()) {
        let output = check(engine, field, &text)?;
        let turkic = matches!(engine.settings().language.as_str(), "tr" | "az" | "crh" | "gag")
            || text.contains(['ı', 'İ']);
        prop_assert_eq!(fold(&text, turkic), fold(&output, turkic), "{:?} gave {:?}", text, output);
    }

    #[test]
    fn overrides_break_nothing(
        settings in settings(),
        lines in prop::collection::vec((0..4u8, name_like(), any::<bool>()), 1..4),
        field in field(),
        before in name_like(),
        manner in 0..8u8,
        coins: u64,
    ) {
        let mut file = String::new();
        for (prefix, name, _) in &lines {
            let prefix = ["", "", "NAME: ", "LAST_NAME: "][usize::from(*prefix)];
            file += &format!("{prefix}{}\n", name.replace(['#', ':', '\n'], ""));
        }
        let Ok(overrides) = Overrides::parse(file.as_bytes()) else { return Ok(()) };
        let engine = Engine::new(Settings { overrides, ..settings });
        let (_, name, alone) = &lines[0];
        let name = spelling(name, manner, coins);
        let text = if *alone { name } else { format!("{before} {name}") };
        check(&engine, field, &text)?;
    }
}

#[test]
fn a_very_long_text_is_done_in_one_go() {
    let engine = Engine::new(Settings::default());
    for piece in [
        "a", "a ", "A'", "van ", "a-", "JF-", "O'", "И*", "Σ", "e\u{301}", "&a", "?.", "'t ",
        "an ", "a.b/", "( ", "al-",
    ] {
        let text = piece.repeat(60_000 / piece.chars().count());
        // A middle name of particles alone is a case of its own.
        let field = if piece == "van " {
            Field::SecondName
        } else {
            Field::LastName
        };
        let output = check(&engine, field, &text).unwrap();
        assert_eq!(output.chars().count(), text.chars().count());
    }
}
