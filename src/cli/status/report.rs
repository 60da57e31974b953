//! What `status` tells of a portal, gathered from the store alone.

use jiff::Timestamp;
use serde::Serialize;

use super::live::Live;
use crate::{
    bitrix::contacts::Family,
    cli::desk::Desk,
    config::{PortalConfig, written},
    portal::{configured_queue, contacts_in_use},
    store::{Contested, LastRun, Parked, Store, StoreFault},
};

/// The answer of `status --json`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Who holds the drain lock, in its own words; none where nobody drains.
    pub running: Option<String>,
    /// The portals, in the order of the configuration.
    pub portals: Vec<PortalStatus>,
}

/// What is known of one portal.
#[derive(Debug, Default, Serialize)]
pub struct PortalStatus {
    /// Its configured name.
    pub name: String,
    /// Its configured address.
    pub url: String,
    /// The portal's own lasting id.
    pub member_id: Option<String>,
    /// Tokens are stored, and the portal is not known to refuse them.
    pub authorised: bool,
    /// When the access token ends; it is renewed by itself.
    #[serde(serialize_with = "crate::cli::text::to_the_second_if_any")]
    pub access_expires_at: Option<Timestamp>,
    /// Why the tokens are not used for a drain, if so.
    pub unverified: Option<String>,
    /// Reservations of ours that are not finished.
    pub open_reservations: u64,
    /// Rows of the queue that are ours and not settled.
    pub open_rows: u64,
    /// How many of those are error rows.
    pub error_rows: u64,
    /// The plan has `rest_offline_extended`.
    pub plan_confirms: Option<bool>,
    /// By which methods contacts are read and written: `universal` or `classic`.
    pub contacts_api: Option<Family>,
    /// Conditional updates work here.
    pub guards_work: Option<bool>,
    /// Paused by `b24-tidyd pause`.
    pub paused: bool,
    /// Contacts that the portal refuses.
    pub parked: Vec<ParkedContact>,
    /// Contacts whose names somebody else keeps changing back.
    pub contested: Vec<ContestedContact>,
    /// The portal's time until which no change is missed.
    #[serde(serialize_with = "crate::cli::text::to_the_second_if_any")]
    pub complete_until: Option<Timestamp>,
    /// The last drain that ended.
    pub last_drain: Option<LastDrain>,
    /// Why the portal no longer accepts the tokens, if so.
    pub lost: Option<String>,
    /// The plan has `rest_auth_connector`.
    pub plan_connector: Option<bool>,
    /// The configured `auth_connector`.
    pub auth_connector: Option<String>,
    /// Since when it is paused.
    #[serde(serialize_with = "crate::cli::text::to_the_second_if_any")]
    pub paused_at: Option<Timestamp>,
    /// Until when writing rests because of `max_changes_per_hour`.
    #[serde(serialize_with = "crate::cli::text::to_the_second_if_any")]
    pub braked_until: Option<Timestamp>,
    /// Changes from here on may have been missed; they are being looked for.
    #[serde(serialize_with = "crate::cli::text::to_the_second_if_any")]
    pub gap_since: Option<Timestamp>,
    /// What the portal says, with `--live`.
    #[serde(flatten)]
    pub live: Option<Live>,
    /// Why the portal could not be asked, with `--live`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_error: Option<String>,
}

/// A contact that the portal refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParkedContact {
    /// The contact.
    pub contact_id: u64,
    /// What the portal said.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again.
    #[serde(serialize_with = "crate::cli::text::to_the_second")]
    pub next_try_at: Timestamp,
    /// Since when it is refused.
    #[serde(serialize_with = "crate::cli::text::to_the_second")]
    pub parked_at: Timestamp,
}

impl From<Parked> for ParkedContact {
    fn from(parked: Parked) -> Self {
        Self {
            contact_id: parked.contact_id,
            reason: parked.reason,
            attempts: parked.attempts,
            next_try_at: parked.next_try_at,
            parked_at: parked.parked_at,
        }
    }
}

/// A contact whose name somebody else keeps changing back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContestedContact {
    /// The contact.
    pub contact_id: u64,
    /// Our spelling.
    pub ours: String,
    /// The other one.
    pub theirs: String,
    /// Until when it is left alone.
    #[serde(serialize_with = "crate::cli::text::to_the_second")]
    pub until: Timestamp,
    /// Since when it is contested.
    #[serde(serialize_with = "crate::cli::text::to_the_second")]
    pub since: Timestamp,
}

impl From<Contested> for ContestedContact {
    fn from(contested: Contested) -> Self {
        Self {
            contact_id: contested.contact_id,
            ours: contested.ours,
            theirs: contested.theirs,
            until: contested.until,
            since: contested.since,
        }
    }
}

/// The last drain that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastDrain {
    /// When it ended.
    #[serde(serialize_with = "crate::cli::text::to_the_second")]
    pub at: Timestamp,
    /// Rows of the queue that were settled.
    pub events: u64,
    /// Contacts that were written.
    pub changed: u64,
    /// HTTP requests.
    pub requests: u64,
    /// How it ended, in a word or two.
    pub outcome: String,
}

impl From<LastRun> for LastDrain {
    fn from(run: LastRun) -> Self {
        Self {
            at: run.at,
            events: run.totals.events,
            changed: run.totals.changed,
            requests: run.totals.requests,
            outcome: run.outcome,
        }
    }
}

/// Gathers the status of every portal of `desk`.
///
/// # Errors
/// A fault of the state file.
pub async fn gather(desk: &Desk) -> Result<Report, StoreFault> {
    let running = match &desk.store {
        Some(store) => store.drain_lock_holder()?,
        None => None,
    };
    let mut portals = Vec::new();
    for portal in &desk.portals {
        portals.push(of_portal(desk, portal).await?);
    }
    Ok(Report {
        running: running.map(|holder| holder.to_string()),
        portals,
    })
}

async fn of_portal(desk: &Desk, portal: &PortalConfig) -> Result<PortalStatus, StoreFault> {
    let configured = PortalStatus {
        name: portal.name.clone(),
        url: written(&portal.url).to_owned(),
        auth_connector: portal.connector.as_ref().map(|it| it.as_str().to_owned()),
        ..PortalStatus::default()
    };
    let (Some(store), Some(record)) = (&desk.store, desk.find(portal).await?) else {
        return Ok(configured);
    };
    let open = store.open_totals(record.id).await?;
    let cursor = store.cursor(&configured_queue(portal, record.id)).await?;
    Ok(PortalStatus {
        authorised: record.lost.is_none(),
        member_id: Some(record.tokens.member_id),
        access_expires_at: record.tokens.access_expires_at,
        unverified: record.unverified,
        open_reservations: open.reservations,
        open_rows: open.rows,
        error_rows: open.errors,
        plan_confirms: record.facts.plan_confirms,
        contacts_api: contacts_in_use(portal, record.facts),
        guards_work: record.facts.guards_work,
        paused: record.paused_at.is_some(),
        parked: parked(store, record.id).await?,
        contested: contested(store, record.id, desk.now()).await?,
        complete_until: cursor.complete_until,
        last_drain: store.last_drain(record.id).await?.map(LastDrain::from),
        lost: record.lost,
        plan_connector: record.facts.plan_connector,
        paused_at: record.paused_at,
        braked_until: record.braked_until.filter(|until| *until > desk.now()),
        gap_since: cursor.gap_since,
        ..configured
    })
}

/// The refused contacts of a portal.
pub(in crate::cli) async fn parked(
    store: &Store,
    portal: crate::store::PortalId,
) -> Result<Vec<ParkedContact>, StoreFault> {
    let parked = store.parked(portal).await?;
    Ok(parked.into_iter().map(ParkedContact::from).collect())
}

/// The contested contacts of a portal; those whose truce is over are none any more.
pub(in crate::cli) async fn contested(
    store: &Store,
    portal: crate::store::PortalId,
    now: Timestamp,
) -> Result<Vec<ContestedContact>, StoreFault> {
    let contested = store.contested(portal).await?.into_iter();
    let going_on = contested.filter(|contested| contested.until > now);
    Ok(going_on.map(ContestedContact::from).collect())
}
