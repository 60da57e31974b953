//! All word lists of the policy, as data. Words stand apart by white space; case, the kind of
//! apostrophe and the normal form do not matter, as lists are compared by fold.

// ---- Section 3: fields that are no names --------------------------------------------------------

/// 3.7 A single token that ends in one of these is a domain.
pub(super) const TOP_LEVEL_DOMAINS: &str = "com net org info biz ru рф ua kz pl eu";

/// 3.8 A company, not a person.
pub(super) const LEGAL_FORMS: &str = "llc ltd inc corp gmbh srl sarl ltda eireli pty plc llp \
    ооо оао зао пао тов тоо ип фоп чп кфх жшс";

// ---- Section 5 -----------------------------------------------------------------------------------

/// 5.3 and 6.5 Clipped Dutch words, always lower.
pub(super) const CLIPPED: &str = "'t 's 'n";

// ---- Section 6.1: particles that are lowered -----------------------------------------------------

/// In any language.
pub(super) const PARTICLES: &str = "van von de del da dos du bin bint binti binte ibn and \
    a/l a/p s/o d/o фон де дель да ибн бин и";

/// Only with the portal's language: languages, particles.
pub(super) const PARTICLES_BY_LANGUAGE: &[(&str, &str)] = &[
    ("pt", "do das e"),
    ("es", "y"),
    ("ca", "i"),
    ("nl", "te ten ter op aan het"),
    ("de", "zu zum zur vom"),
    ("fr", "des"),
    ("sv da nb no", "af av"),
    ("cy", "ap ab ferch"),
];

/// Only after another word: the words before, particles.
pub(super) const PARTICLES_AFTER: &[(&str, &str)] = &[
    ("van von", "der den dem het 't"),
    ("de", "la las los"),
    ("фон ван", "дер ден"),
    ("де", "ла лас лос"),
];

/// Only before another word: particles, the words after.
pub(super) const PARTICLES_BEFORE: &[(&str, &str)] = &[("ван", "дер ден де")];

/// `von und zu`: the middle word, and the last one after the other two.
pub(super) const VON_UND_ZU: [&str; 3] = ["von", "und", "zu"];

/// Patronymic words, which are particles also as the last token.
pub(super) const PATRONYMIC_WORDS: &str = "оглы оглу кызы кизи гызы улы уулу ұлы қызы \
    oglu oğlu ogly qizi qızı kyzy uulu o'g'li";

/// One of these shows that `Van`, `De` and `Du` are Vietnamese name parts.
pub(super) const VIETNAMESE_NAMES: &str = "nguyen tran pham huynh hoang phan truong bui dang dinh \
    duong ngo trinh doan luong thi nguyễn trần phạm huỳnh hoàng trương bùi đặng đinh dương ngô \
    trịnh đoàn lương thị";

// ---- Section 6.2: particles that are kept lower --------------------------------------------------

/// Besides all words of 6.1.
pub(super) const KEPT_PARTICLES: &str = "vom zu zum zur der den dem della delle dello degli dei \
    dal dalla das do des di e y i la las le les lo los el al af av ap ab ferch ben abu bat te ten \
    ter op het 't in aan auf aus am und et of ван дер ден ди ла лас лос ле бен аль эль і та цу";

// ---- Sections 6.3 and 6.4: after the name --------------------------------------------------------

/// 6.3 With their exact case.
pub(super) const POST_NOMINALS: &str =
    "PhD MBA CPA DDS DVM LLM LLB BSc MSc CFA PMP PsyD PharmD DPhil";

/// 6.4 Not vi xi v x ix li di mi, which are names.
pub(super) const NUMERALS: &str = "ii iii iv vii viii xii xiii xiv xvi xvii xviii";

// ---- Section 6.5: parts inside a hyphenated token ------------------------------------------------

/// Lower between hyphens.
pub(super) const INNER_PARTS: &str = "al el ul ud ur de des du la аль эль уль уд де ла";

/// Kept lower where they were typed lower.
pub(super) const ARTICLES: &str = "al el ad an ar as ash at ed en er es ud ul ur ibn bin ben abu \
    аль эль ад ан ар ас аш ат уд уль ибн бин бен";

// ---- Section 7: one part -------------------------------------------------------------------------

/// 7.1.3 `Mac` and a capital, in surnames. The configuration can replace this list.
pub(super) const MAC_NAMES: &str = "macdonald macdonnell macleod macarthur macgregor macintyre \
    macdougall macfarlane macneil macneill macdowell maccallum macinnes maciver mackinnon macmahon \
    macnamara macrae mactavish macisaac macdermott maccormack macgowan";

/// 7.1.4 Latin prefixes that an apostrophe and a capital may follow.
pub(super) const APOSTROPHE_PREFIXES: &str = "o d l m n de dell dall sant";

/// 7.3 Those of them after which a typed lower-case letter is deliberate: `N'diaye`.
pub(super) const AFRICAN_PREFIXES: &str = "m n";

/// 7.1.4 Uzbek words that start with the letter o', after which no capital follows: `O'tkir`.
pub(super) const UZBEK_STEMS: &str = "tk kt lm lj rin raz zb sar g'";

/// 7.1.4 Cyrillic prefixes.
pub(super) const CYRILLIC_PREFIXES: &str = "о д л";

/// 7.1.4 Letters before which a Cyrillic apostrophe only marks the sound: `Д'яченко`.
pub(super) const CYRILLIC_IOTATED: &str = "я ю є ї й";

/// 7.2 Two letters that are a word, not initials: anywhere.
pub(super) const SHORT_WORDS: &str = "st dr mr ms ng";

/// 7.2 Outside the first token.
pub(super) const SHORT_WORDS_LATER: &str = "jr sr";

/// 7.2 In the first token.
pub(super) const SHORT_WORDS_FIRST: &str = "md";

/// 7.2 Besides all Greek and Armenian letters.
pub(super) const VOWELS: &str = "aeiouyæøœıəаеёиоуыэюяіїєүұөәў";

/// 7.5 Prefixes before a tail of capitals, in exactly this case.
pub(super) const CAPS_TAIL_PREFIXES: &str = "Mc Mac De Di Du La Le Van Fitz";
