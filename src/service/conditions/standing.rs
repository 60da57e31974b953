//! The conditions of a portal, from the state file alone: what was found and stored, and what its tables
//! show by themselves. Everybody who shows conditions reads them here.

use jiff::Timestamp;

use crate::{
    clock::after,
    condition::{Acts, Condition, Kind, Trouble, sort},
    config::{PortalConfig, authority},
    portal::configured_queue,
    store::{Parked, PortalRecord, Store, StoreFault},
};

/// A refused contact is tried again by itself; after so many times a person is asked to look at it.
const TRIES_BY_ITSELF: u32 = 3;

/// Events that are ours and older than this are behind, in seconds.
const BEHIND_SECONDS: f64 = 900.0;

/// The conditions of a portal at `now`, in the order in which they are shown; `record` is the portal as it
/// is stored, none where nobody has authorised it.
///
/// # Errors
/// A fault of the state file.
pub async fn of_portal(
    store: &Store,
    config: &PortalConfig,
    record: Option<&PortalRecord>,
    now: Timestamp,
) -> Result<Vec<Condition>, StoreFault> {
    let stored = match record {
        Some(record) => store.conditions(record.id).await?,
        None => Vec::new(),
    };
    with_found(store, config, record, stored, now).await
}

/// As [`of_portal`], with `found` in place of what is stored.
pub(in crate::service) async fn with_found(
    store: &Store,
    config: &PortalConfig,
    record: Option<&PortalRecord>,
    found: Vec<Condition>,
    now: Timestamp,
) -> Result<Vec<Condition>, StoreFault> {
    let name = Some(config.name.as_str());
    let shown = match record {
        Some(record) => shown(store, config, record, now).await?,
        None => vec![(no_tokens(store, config).await?, None)],
    };
    // A refusal from before an import says nothing about the new tokens.
    let imported_at = record.and_then(|record| record.imported_at);
    let outdated = |it: &Condition| {
        it.kind.is_refusal() && imported_at.is_some_and(|imported| it.since < imported)
    };
    let mut all: Vec<Condition> = found
        .iter()
        .filter(|it| !is_shown_by_tables(it.kind) && !outdated(it))
        .cloned()
        .collect();
    for (trouble, since) in shown {
        let refused = |it: &Condition| it.kind.is_refusal() && trouble.kind.is_refusal();
        if all.iter().any(|it| it.kind == trouble.kind || refused(it)) {
            continue;
        }
        let known = found.iter().find(|it| it.kind == trouble.kind);
        let since = since.or(known.map(|it| it.since)).unwrap_or(now);
        all.push(trouble.since(since, name));
    }
    let mut all: Vec<Condition> = all.into_iter().map(|it| it.at(now, name)).collect();
    sort(&mut all, now);
    Ok(all)
}

/// What is stored of kinds that the tables show by themselves, and is not in `list`: their beginnings.
pub(super) fn beginnings<'a>(
    stored: &'a [Condition],
    list: &[Condition],
) -> impl Iterator<Item = Condition> + use<'a> {
    let listed: Vec<Kind> = list.iter().map(|it| it.kind).collect();
    let wanted = move |it: &&Condition| is_shown_by_tables(it.kind) && !listed.contains(&it.kind);
    stored.iter().filter(wanted).cloned()
}

/// Kinds that the tables show by themselves: what is stored of them tells their beginning alone.
fn is_shown_by_tables(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::NoTokens
            | Kind::Moved
            | Kind::Gap
            | Kind::Refused
            | Kind::Contested
            | Kind::Brake
            | Kind::Paused
    )
}

/// What the tables show: each with when it began, where they know.
async fn shown(
    store: &Store,
    config: &PortalConfig,
    record: &PortalRecord,
    now: Timestamp,
) -> Result<Vec<(Trouble, Option<Timestamp>)>, StoreFault> {
    let mut shown = Vec::new();
    // Found by a command, with nobody about who would have looked at the portal since.
    for why in record.lost.iter().chain(&record.unverified) {
        let said = why.split_once("; ").map_or(why.as_str(), |(said, _)| said);
        shown.push((Trouble::said(Kind::TokensDead, said), None));
    }
    if let Some(since) = record.paused_at {
        shown.push((Trouble::new(Kind::Paused), Some(since)));
    }
    if let Some(until) = record.braked_until.filter(|until| *until > now) {
        let said = format!("writing rests until {until:.0}");
        shown.push((Trouble::said(Kind::Brake, said).tried_again_at(until), None));
    }
    if let Some(moved) = moved(config, record) {
        shown.push((moved, None));
    }
    let queue = configured_queue(config, record.id);
    if let Some(since) = store.cursor(&queue).await?.gap_since {
        let said = format!("those from {since:.0} on are being looked for");
        shown.push((Trouble::said(Kind::Gap, said), None));
    }
    let parked = store.parked(record.id).await?;
    if let Some(since) = parked.iter().map(|it| it.parked_at).min() {
        shown.push((refused(&parked), Some(since)));
    }
    let contested = store.contested(record.id).await?;
    let contested: Vec<_> = contested.into_iter().filter(|it| it.until > now).collect();
    if let Some(since) = contested.iter().map(|it| it.since).min() {
        let said = counted(contested.len(), "contact is", "contacts are");
        let said = format!("{said} left alone for a while");
        shown.push((Trouble::said(Kind::Contested, said), Some(since)));
    }
    let backlog = store.backlog(record.id).await?;
    let late = |oldest: &Timestamp| *oldest < after(now, -BEHIND_SECONDS);
    if let Some(oldest) = backlog.oldest.filter(late) {
        let rows = counted(backlog.rows as usize, "event", "events");
        let said = format!("the oldest since {oldest:.0}, {rows} taken over and not done");
        shown.push((Trouble::said(Kind::Behind, said), Some(oldest)));
    }
    Ok(shown)
}

/// There are no tokens; perhaps for another address of the same application.
async fn no_tokens(store: &Store, config: &PortalConfig) -> Result<Trouble, StoreFault> {
    let others = store.portals().await?;
    let other = others.iter().find(|it| it.client_id == config.client_id);
    Ok(match other {
        Some(other) => Trouble::said(
            Kind::NoTokens,
            format!("there are some for {} with the same client_id", other.url),
        )
        .with_remedy(
            "correct `url` in the configuration if it is mistyped; else `b24-tidyd --portal NAME auth login`",
        ),
        None => Trouble::new(Kind::NoTokens),
    })
}

/// The portal answers elsewhere than configured. Work goes on there.
fn moved(config: &PortalConfig, record: &PortalRecord) -> Option<Trouble> {
    let endpoint: url::Url = record.tokens.endpoint.parse().ok()?;
    let (configured, found) = (authority(&config.url), authority(&endpoint));
    let said = format!("{found} in place of {configured}");
    (configured != found).then(|| {
        Trouble::said(Kind::Moved, said)
            .acted_on_by(Acts::Program)
            .with_remedy(format!(
                "set `url` to \"https://{found}\" in the configuration, and run `systemctl reload b24-tidyd`"
            ))
    })
}

fn refused(parked: &[Parked]) -> Trouble {
    let next = parked.iter().map(|it| it.next_try_at).min();
    let reason = parked.first().map_or("", |it| it.reason.as_str());
    let count = counted(parked.len(), "contact", "contacts");
    let trouble = Trouble::said(Kind::Refused, format!("{reason}, {count} in all"));
    let trouble = match next {
        Some(next) => trouble.tried_again_at(next),
        None => trouble,
    };
    match parked.iter().all(|it| it.attempts < TRIES_BY_ITSELF) {
        true => trouble.acted_on_by(Acts::Program),
        false => trouble,
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
