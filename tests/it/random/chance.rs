//! What chance chooses from.

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use test_portal::{Effect, Fault, GuardMode, Matcher, ProcessIdFilter, Settings};

/// Names as people and robots type them.
const NAMES: [&str; 22] = [
    "anna",
    "ANNA",
    "Anna",
    "  bob  smith",
    "o'neill",
    "MCDONALD",
    "jean-luc",
    "VAN DER BERG",
    "ИВАН",
    "мария",
    "Łukasz",
    "ŽIVA",
    "de la cruz",
    "maría josé",
    "",
    "Bob",
    "EVE",
    "zoë",
    "$result[g1][0][ID] anna",
    "100% ACME & co",
    "#1 + ?",
    "𝒜nna bOB",
];

pub(super) fn name(chance: &mut StdRng) -> String {
    match chance.random_range(0..20) {
        0 => "ж".repeat(chance.random_range(48..=50)),
        1 => format!("{} {}", pick(chance, &NAMES), pick(chance, &NAMES))
            .chars()
            .take(50)
            .collect(),
        _ => pick(chance, &NAMES).to_owned(),
    }
}

pub(super) fn pick<'a>(chance: &mut StdRng, from: &[&'a str]) -> &'a str {
    from.choose(chance).copied().unwrap_or_default()
}

/// A portal as it might be.
pub(super) fn settings(chance: &mut StdRng, settings: &mut Settings) {
    settings.echo = chance.random_bool(0.3);
    settings.noop_update_fires = chance.random_bool(0.5);
    settings.plan_confirms = chance.random_bool(0.7);
    settings.plan_connector = chance.random_bool(0.7);
    settings.self_hosted = chance.random_bool(0.2);
    settings.get_cap = chance.random_bool(0.2).then_some(3);
    settings.event_delay = if chance.random_bool(0.3) { 1.5 } else { 0.0 };
    settings.numeric_event_ids = chance.random_bool(0.3);
    settings.process_id_filter = match chance.random_range(0..10) {
        0 => ProcessIdFilter::Ignored,
        1 => ProcessIdFilter::Refused,
        2 => ProcessIdFilter::FindsNothing,
        _ => ProcessIdFilter::Works,
    };
    settings.claims_features = chance.random_bool(0.1);
    settings.redirects_to_host = chance.random_bool(0.2);
    settings.guard = match chance.random_range(0..10) {
        0 => GuardMode::FilterIgnored,
        1 => GuardMode::OldPhp8,
        2 => GuardMode::OldSource,
        3 => GuardMode::WholeReferencesOnly,
        _ => GuardMode::NewSource,
    };
    settings.keep_requests = 40;
}

/// Something that goes wrong with some of the next requests.
pub(super) fn fault(chance: &mut StdRng) -> Fault {
    let methods = [
        "event.offline.get",
        "event.offline.list",
        "event.offline.clear",
        "event.bind",
        "event.unbind",
        "crm.contact.list",
        "crm.contact.update",
        "crm.contact.get",
        "app.info",
    ];
    let method = pick(chance, &methods);
    let matching = match chance.random_range(0..12) {
        0 => Matcher::oauth(),
        1..=6 => Matcher::portal(),
        _ => Matcher::calling(method),
    };
    let matching = matching
        .nth(chance.random_range(1..8))
        .times(chance.random_range(1..5));
    let processed = chance.random_bool(0.5);
    let failed = |status: u16, code: &str| Effect::Error {
        status,
        code: code.to_owned(),
        description: "on order".to_owned(),
    };
    let effect = match chance.random_range(0..14) {
        0 | 1 => Effect::CloseBeforeProcessing,
        2..=4 => Effect::LoseAnswer,
        5 => Effect::Html {
            code: 502,
            processed,
        },
        6 => Effect::TruncatedJson,
        7 => Effect::CutAnswer,
        8 => Effect::EmptyBody { processed },
        9 => Effect::Hang {
            seconds: 70.0,
            processed,
        },
        10 => failed(503, "QUERY_LIMIT_EXCEEDED"),
        11 => failed(500, "INTERNAL_SERVER_ERROR"),
        12 => Effect::CommandError {
            method: method.to_owned(),
            nth: chance.random_range(0..3),
            code: "INTERNAL_SERVER_ERROR".to_owned(),
            description: "on order".to_owned(),
        },
        _ => Effect::DropBatchKeys(
            ["a0", "p0", "getONCRMCONTACTADD", "w0"]
                .map(str::to_owned)
                .to_vec(),
        ),
    };
    Fault::new(matching, effect)
}
