//! All word lists of the naming policy, as data: each stands here once, sorted by code point. Its
//! comment gives the section of the policy that it was taken from, and whose words they are.
//!
//! Lists are compared by fold, so entries are written as their own fold (post-nominals and caps-tail
//! prefixes, whose case matters, excepted).

// ---- Section 3: fields that are no names -------------------------------------------------------------

/// 3.2: signs that no name has; the last one stands for a character that was lost.
pub(super) const FOREIGN_SIGNS: &[char] = &[
    '#', '<', '=', '>', '@', '[', ']', '\\', '^', '_', '{', '|', '}', '~', '\u{FFFD}',
];

/// 3.7: generic domains, and the countries that write names in these alphabets.
pub(super) const TOP_LEVEL_DOMAINS: &[&str] = &[
    "at", "biz", "by", "ch", "com", "cz", "de", "es", "eu", "fr", "info", "io", "it", "kz", "me",
    "net", "nl", "org", "pl", "ru", "su", "ua", "uk", "us", "uz", "рф",
];

/// 3.8: legal forms of companies; one of them beside another word is no person. English, German,
/// Romance, Slavic and Kazakh.
pub(super) const LEGAL_FORMS: &[&str] = &[
    "corp", "d.o.o", "eireli", "gmbh", "inc", "llc", "llp", "ltd", "ltda", "o.o", "plc", "pty",
    "s.r.o", "sarl", "srl", "жшс", "зао", "ип", "кфх", "оао", "ооо", "пао", "тов", "тоо", "фоп",
    "чп",
];

/// 3.8: legal forms that count in capitals only, then also alone. Russian and Ukrainian, and as they
/// are written in Latin letters.
pub(super) const LEGAL_FORMS_IN_CAPITALS: &[&str] = &[
    "gmbh", "llc", "oao", "ooo", "гуп", "зао", "ип", "кфх", "муп", "нко", "оао", "ооо", "пао",
    "снт", "тоо", "тсж", "фгуп", "фоп",
];

/// 3.4: what Windows-1252 has at 80 to 9F.
pub(super) const WINDOWS_1252: &[char] = &[
    'Œ', 'œ', 'Š', 'š', 'Ÿ', 'Ž', 'ž', 'ƒ', 'ˆ', '˜', '–', '—', '‘', '’', '‚', '“', '”', '„', '†',
    '‡', '•', '…', '‰', '‹', '›', '€', '™',
];

// ---- Sections 1 and 5 --------------------------------------------------------------------------------

/// 5.3, 6.5: Dutch words clipped to one letter, always lower.
pub(super) const CLIPPED: &[&str] = &["'n", "'s", "'t"];

// ---- Section 6.1: particles that are lowered ---------------------------------------------------------

/// 6.1, first list: in any language. Dutch, German, Romance, Arabic and Malay, English; the same in
/// Cyrillic.
pub(super) const PARTICLES: &[&str] = &[
    "a/l", "a/p", "and", "bin", "bint", "binte", "binti", "d/o", "da", "de", "del", "dos", "du",
    "ibn", "s/o", "van", "von", "бин", "да", "де", "дель", "и", "ибн", "фон",
];

/// 6.1: Malaysian Indian "son of" and "daughter of", lowered in any shape.
pub(super) const RELATIONS: &[&str] = &["a/l", "a/p", "d/o", "s/o"];

/// 6.1, first list: words that it leaves out in a language, because there they begin a surname.
pub(super) const SURNAME_STARTS: &[(&str, &[&str])] = &[
    ("en", &["de", "del", "van", "von"]),
    ("it", &["da", "de", "del", "van"]),
];

/// 6.1: words that begin a surname in Belgian Dutch, unless they stand after one another. Those of the
/// first list, and the Dutch row of the second.
pub(super) const BELGIAN_SURNAME_STARTS: &[&str] = &[
    "aan", "da", "de", "del", "den", "der", "dos", "du", "het", "in", "onder", "op", "te", "ten",
    "ter", "tot", "uit", "van", "von",
];

/// 6.1: further words that a Belgian surname goes on after.
pub(super) const BELGIAN_CONTINUED: &[&str] = &["la", "las", "los"];

/// 6.1, second list: only with the portal's language. Language, particles.
pub(super) const PARTICLES_BY_LANGUAGE: &[(&str, &[&str])] = &[
    ("ca", &["i"]),
    ("cy", &["ab", "ap", "ferch"]),
    ("da", &["af", "av"]),
    ("de", &["am", "auf", "aus", "vom", "zu", "zum", "zur"]),
    ("es", &["i", "y"]),
    ("fo", &["av", "við", "á", "í"]),
    ("fr", &["des"]),
    ("nb", &["af", "av"]),
    (
        "nl",
        &[
            "aan", "den", "der", "het", "in", "onder", "op", "te", "ten", "ter", "tot", "uit",
        ],
    ),
    ("no", &["af", "av"]),
    ("pt", &["das", "do", "e"]),
    ("sv", &["af", "av"]),
];

/// 6.1, third list: particles that are such only beside another word. A row's place is its number in
/// the lexicon.
pub(super) const PARTICLES_BESIDE: &[Beside] = &[
    // Dutch and German articles.
    Beside {
        language: None,
        side: Side::After,
        neighbours: &["van", "von"],
        particles: &["'t", "dem", "den", "der", "het"],
    },
    // Spanish articles.
    Beside {
        language: None,
        side: Side::After,
        neighbours: &["de"],
        particles: &["la", "las", "los"],
    },
    // Russian spellings of both.
    Beside {
        language: None,
        side: Side::After,
        neighbours: &["ван", "фон"],
        particles: &["ден", "дер"],
    },
    // Russian spellings of the Spanish ones.
    Beside {
        language: None,
        side: Side::After,
        neighbours: &["де"],
        particles: &["ла", "лас", "лос"],
    },
    // German articles after a preposition.
    Beside {
        language: Some("de"),
        side: Side::After,
        neighbours: &["an", "auf", "aus", "in"],
        particles: &["dem", "den", "der"],
    },
    // German prepositions before an article.
    Beside {
        language: Some("de"),
        side: Side::Before,
        neighbours: &["dem", "den", "der"],
        particles: &["an", "in"],
    },
    // Dutch in Russian spelling: `ван` alone is Vietnamese or Armenian as well.
    Beside {
        language: None,
        side: Side::Before,
        neighbours: &["де", "ден", "дер"],
        particles: &["ван"],
    },
];

/// A row of [`PARTICLES_BESIDE`].
pub(super) struct Beside {
    /// `None`: in every language.
    pub(super) language: Option<&'static str>,
    /// Where the particle stands, seen from its neighbour.
    pub(super) side: Side,
    pub(super) neighbours: &'static [&'static str],
    pub(super) particles: &'static [&'static str],
}

/// Where a particle stands, seen from its neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    After,
    Before,
}

/// 6.1, third list: German `von und zu`, in this order: the middle word, and the last one after both.
pub(super) const VON_UND_ZU: [&str; 3] = ["von", "und", "zu"];

/// 6.1, third list: Irish and Scottish Gaelic articles, after one of the words for "son" or
/// "daughter".
pub(super) const GAELIC_ARTICLES: &[&str] = &["a'", "an", "na"];

/// 6.2: the Scottish Gaelic article as it is often typed, which is kept and never lowered.
pub(super) const GAELIC_KEPT_ARTICLE: &str = "a";

/// 6.1, third list: Gaelic "son" and "daughter" in their cases.
pub(super) const GAELIC_CHILDREN: &[&str] = &["mac", "mag", "mhic", "nic"];

/// 6.1, fourth list: Turkic "son" and "daughter", which are particles also as the last token. Azerbaijani,
/// Uzbek, Kazakh, Kyrgyz and Turkmen, in Cyrillic and Latin letters.
pub(super) const PATRONYMIC_WORDS: &[&str] = &[
    "gyzy", "kizi", "kyzy", "kızı", "o'g'li", "ogli", "oglu", "ogly", "oğlu", "qizi", "qızı",
    "ugli", "uulu", "гызы", "кизи", "кызы", "огли", "оглу", "оглы", "угли", "углы", "улы", "уулу",
    "ўғли", "қизи", "қызы", "ұлы",
];

/// 6.1: those of them that have a dotless ı under Turkic casing, by the fold of their capitals.
pub(super) const DOTLESS_WORDS: &[&str] = &["kizi", "qizi"];

/// 6.1: frequent Vietnamese names, with and without marks; beside one of them `Van`, `De` and `Du` are
/// parts of a name.
pub(super) const VIETNAMESE_NAMES: &[&str] = &[
    "bui", "bùi", "dang", "dinh", "doan", "duong", "dương", "hoang", "hoàng", "huynh", "huỳnh",
    "luong", "lương", "ngo", "nguyen", "nguyễn", "ngô", "pham", "phan", "phạm", "thi", "thị",
    "tran", "trinh", "truong", "trương", "trần", "trịnh", "đinh", "đoàn", "đặng",
];

// ---- Section 6.2: particles that are kept lower ------------------------------------------------------

/// 6.2: besides the first two lists of 6.1. Italian, Spanish, French, Portuguese, Dutch, German,
/// Arabic and Hebrew, Filipino, Malay, Romanian, Swahili; "and", "born" and "called" in many
/// languages; the same in Cyrillic.
pub(super) const KEPT_PARTICLES: &[&str] = &[
    "'t", "abu", "aen", "al", "an", "anak", "bat", "ben", "bij", "cel", "d'", "dai", "dal",
    "dalla", "das", "de'", "degli", "dei", "dela", "della", "delle", "dello", "delos", "dem",
    "detto", "di", "die", "dit", "dite", "domu", "dr", "el", "en", "et", "geborene", "ibni", "ja",
    "l'", "la", "las", "le", "les", "lo", "los", "né", "née", "och", "of", "og", "ole", "or",
    "over", "recte", "then", "tho", "thoe", "to", "toe", "ud", "ul", "und", "ur", "ve", "voor",
    "wa", "z", "à", "și", "аль", "бен", "ван", "ден", "дер", "дзі", "ди", "дэ", "ді", "й", "ла",
    "лас", "лос", "ля", "та", "цу", "эль", "і",
];

/// 6.2: particles that are given names, too, so that a first one is raised in the first name.
pub(super) const GIVEN_NAMES: &[&str] = &[
    "abu", "al", "an", "ben", "bin", "den", "des", "do", "dr", "el", "le", "lo", "ole", "бен",
    "ден",
];

/// 6.2: Dutch surname prefixes that are kept in a middle name of nothing else.
pub(super) const DUTCH_INFIXES: &[&str] = &[
    "'t", "de", "den", "der", "het", "te", "ten", "ter", "van", "von",
];

// ---- Sections 6.3 and 6.4: after the name ------------------------------------------------------------

/// 6.5: French "of", after which l' is lowered.
pub(super) const FRENCH_DE: &str = "de";

/// 6.3: academic and professional titles and honours of the English-speaking and Czech world, with
/// their exact case, which is laid over.
pub(super) const POST_NOMINALS: &[&str] = &[
    "BSc", "BTech", "CBE", "CFA", "CPA", "CSc", "DDS", "DPhil", "DVM", "DrSc", "Esq", "KBE", "LLB",
    "LLM", "MBA", "MBE", "MChem", "MPhil", "MSc", "PMP", "PhD", "PharmD", "PsyD",
];

/// 6.3: those that read like a name, which are kept where typed and never laid over.
pub(super) const NAMELIKE_POST_NOMINALS: &[&str] =
    &["BArch", "BCom", "BEd", "BEng", "MEd", "MEng", "OBE"];

/// 6.4: Roman numerals, without vi xi v x ix li di mi, which are names.
pub(super) const NUMERALS: &[&str] = &[
    "ii", "iii", "iv", "vii", "viii", "xii", "xiii", "xiv", "xix", "xv", "xvi", "xvii", "xviii",
    "xxi", "xxii", "xxiii",
];

// ---- Section 6.5: parts inside a hyphenated token ----------------------------------------------------

/// 6.5: Arabic and Romance particles that are lower between hyphens.
pub(super) const INNER_PARTS: &[&str] = &[
    "al", "de", "des", "du", "el", "la", "ud", "ul", "ur", "аль", "де", "ла", "уд", "уль", "эль",
];

/// 6.5: Turkic and Persian second parts that are lower at the end, besides the patronymic words.
pub(super) const LAST_PARTS: &[&str] = &["zade", "ага", "бей", "бек", "заде", "паша", "хан", "шах"];

/// 6.5: particles that are lowered after a hyphen where 6.1 lowers them.
pub(super) const PARTICLES_AFTER_HYPHEN: &[&str] = &["de", "del", "van", "von", "фон"];

/// 6.5: titles, mostly Italian, that an ending follows after a full stop: `Dott.ssa`.
pub(super) const TITLES_IN_ONE_WORD: &[&str] = &[
    "arch", "avv", "dir", "dott", "dr", "eng", "ing", "prof", "sig", "sr",
];

/// 6.5: those endings.
pub(super) const TITLE_ENDINGS: &[&str] = &["a", "na", "o", "ra", "ria", "ssa", "ta"];

/// 6.5: Arabic and Hebrew articles and words for "son" and "father", which are kept where typed lower.
pub(super) const ARTICLES: &[&str] = &[
    "abu", "ad", "al", "an", "ar", "as", "ash", "at", "ben", "bin", "ed", "el", "en", "er", "es",
    "ha", "ibn", "ud", "ul", "ur", "ад", "аль", "ан", "ар", "ас", "ат", "аш", "бен", "бин", "ибн",
    "уд", "уль", "эль",
];

// ---- Section 6.5: syllables of Korean and Chinese romanisation ---------------------------------------

/// 6.5: what may begin a syllable with an apostrophe (Wade-Giles, McCune-Reischauer).
pub(super) const SYLLABLE_STARTS_ASPIRATED: &[&str] = &["ch'", "k'", "p'", "t'", "ts'", "tz'"];

/// 6.5: what else may begin one, an `h` may follow.
pub(super) const SYLLABLE_STARTS: &[&str] = &[
    "b", "c", "d", "f", "g", "h", "hs", "j", "jj", "k", "kk", "l", "m", "n", "ng", "p", "pp", "q",
    "r", "s", "ss", "sz", "t", "ts", "tt", "tz", "w", "x", "y", "z",
];

/// 6.5: its vowels, one to three of them.
pub(super) const SYLLABLE_VOWELS: &[char] = &['a', 'e', 'i', 'o', 'u'];

/// 6.5: what may end one.
pub(super) const SYLLABLE_ENDS: &[&str] =
    &["b", "g", "h", "k", "l", "m", "n", "ng", "p", "r", "t", "w"];

/// 6.5: pairs of vowels that show another language.
pub(super) const NO_VOWEL_PAIRS: &[&str] = &["aa", "ea", "oa"];

/// 6.5: what may begin a syllable in Russian spelling, up to three of them.
pub(super) const CYRILLIC_SYLLABLE_CONSONANTS: &[char] = &[
    'б', 'в', 'г', 'д', 'ж', 'з', 'к', 'л', 'м', 'н', 'п', 'р', 'с', 'т', 'ф', 'х', 'ц', 'ч', 'ш',
    'щ',
];

/// 6.5: its vowels, one to three of them.
pub(super) const CYRILLIC_SYLLABLE_VOWELS: &[char] =
    &['а', 'е', 'и', 'о', 'у', 'ы', 'э', 'ю', 'я', 'ё'];

/// 6.5: what may end it.
pub(super) const CYRILLIC_SYLLABLE_ENDS: &[&str] = &["й", "л", "м", "н", "нг", "нь", "п", "р", "т"];

// ---- Sections 6.6 and 6.7 ----------------------------------------------------------------------------

/// 6.6: Russian "Mr", "Mrs" and "Dr".
pub(super) const COURTESY_TITLES: &[&str] = &["г-жа", "г-н", "д-р"];

/// 6.6: Russian "candidate" and "doctor", abbreviated.
pub(super) const DEGREE_STARTS: &[&str] = &["д.", "к."];

/// 6.6: and "of sciences".
pub(super) const DEGREE_ENDS: &[&str] = &[".н", ".н."];

/// 6.6: Czech "senior" at the end, English "saint" elsewhere, which is no abbreviation.
pub(super) const SENIOR_OR_SAINT: &str = "st";

/// 6.7: Irish "grandson" and "daughter", after which a surname takes an `h`.
pub(super) const IRISH_PREFIXES: &[&str] = &["ní", "uí", "ó"];

// ---- Section 7: one part -----------------------------------------------------------------------------

/// 7: beginnings of a mixed-case word that are never lower.
pub(super) const NEVER_LOWER_STARTS: &[&str] = &["fitz", "mac", "mc", "o", "о"];

/// 7.1.3: Scottish and Irish surnames with `Mac` and a capital. The configuration can replace this list.
pub(super) const MAC_NAMES: &[&str] = &[
    "macarthur",
    "maccallum",
    "maccormack",
    "macdermott",
    "macdonald",
    "macdonnell",
    "macdougall",
    "macdowell",
    "macfarlane",
    "macgowan",
    "macgregor",
    "macinnes",
    "macintyre",
    "macisaac",
    "maciver",
    "mackinnon",
    "macleod",
    "macmahon",
    "macnamara",
    "macneil",
    "macneill",
    "macrae",
    "mactavish",
];

/// 7.1.3: in Scottish Gaelic, beginnings that a capital follows.
pub(super) const GAELIC_MACS: &[&str] = &["mac", "nic"];

/// 7.1.3: and names that only look like them.
pub(super) const GAELIC_NO_MACS: &[&str] = &["nicho", "nico"];

/// 7.1.4: Irish, Romance and West African prefixes that an apostrophe and a capital may follow.
pub(super) const APOSTROPHE_PREFIXES: &[&str] = &[
    "d", "dagl", "dall", "de", "degl", "dell", "l", "m", "n", "o", "sant",
];

/// 7.3: those of them after which a typed lower letter is deliberate: `N'diaye`.
pub(super) const AFRICAN_PREFIXES: &[&str] = &["m", "n"];

/// 7.3: those of them after which a typed lower `h` is deliberate: `D'hondt`.
pub(super) const PREFIXES_BEFORE_H: &[&str] = &["d", "l"];

/// 7.1.4: beginnings of an Uzbek word after the letter o', which no capital follows: `O'tkir`.
pub(super) const UZBEK_STEMS: &[&str] = &["g'", "kt", "lj", "lm", "raz", "rin", "sar", "tk", "zb"];

/// 7.1.4: Slavic endings of an Uzbek surname or patronymic in o'.
pub(super) const UZBEK_ENDINGS: &[&str] =
    &["ev", "eva", "evich", "evna", "ov", "ova", "ovich", "ovna"];

/// 7.1.4: Greek spellings of such prefixes.
pub(super) const GREEK_PREFIXES: &[&str] = &["ντ", "ο"];

/// 7.1.4: Cyrillic spellings of them.
pub(super) const CYRILLIC_PREFIXES: &[&str] = &["д", "л", "о"];

/// 7.1.4: letters before which a Ukrainian apostrophe only marks the sound: `Д'яченко`.
pub(super) const CYRILLIC_IOTATED: &[&str] = &["й", "ю", "я", "є", "ї"];

/// 7.2: two capitals that are a title or a surname anywhere.
pub(super) const SHORT_WORDS: &[&str] = &["dr", "mr", "ms", "ng", "st"];

/// 7.2: outside the first token.
pub(super) const SHORT_WORDS_LATER: &[&str] = &["jr", "sr"];

/// 7.2: in the first token, or not in the last: an Islamic given name, "doctor" after an English one.
pub(super) const SHORT_WORD_BUT_LAST: &str = "md";

/// 7.2: abbreviated names and titles, where a whole field is in capitals.
pub(super) const SHORT_FORMS: &[&str] = &["ch", "hj", "hr", "kh", "mc", "mw", "sh", "wm"];

/// 7.2: besides all Greek and Armenian letters.
pub(super) const VOWELS: &[char] = &[
    'a', 'e', 'i', 'o', 'u', 'y', 'æ', 'ø', 'ı', 'œ', 'ə', 'а', 'е', 'и', 'о', 'у', 'ы', 'э', 'ю',
    'я', 'ё', 'є', 'і', 'ї', 'ў', 'ү', 'ұ', 'ә', 'ө',
];

/// 7.5: prefixes before a tail of capitals, in exactly this case.
pub(super) const CAPS_TAIL_PREFIXES: &[&str] =
    &["De", "Di", "Du", "Fitz", "La", "Le", "Mac", "Mc", "Van"];

#[cfg(test)]
mod tests {
    /// Reads this file: whatever stands in it as a list of words or letters is sorted, and no entry
    /// stands in a list twice.
    #[test]
    fn every_list_is_sorted() {
        let file = include_str!("lists.rs");
        let code = file.split("\n#[cfg(test)]").next().unwrap_or_default();
        let mut lists = 0;
        for list in code.split("&[").skip(1) {
            let Some((entries, _)) = list.split_once(']') else {
                continue;
            };
            let entries: Vec<&str> = entries
                .split([',', '\n'])
                .map(str::trim)
                .filter(|entry| entry.len() > 2 && entry.starts_with(['"', '\'']))
                .map(|entry| &entry[1..entry.len() - 1])
                .collect();
            lists += usize::from(entries.len() > 1);
            for pair in entries.windows(2) {
                assert!(pair[0] < pair[1], "{pair:?}");
            }
        }
        assert!(lists > 50, "{lists}");
    }
}
