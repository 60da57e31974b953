//! What `status` tells of a portal, gathered from the store alone.

use jiff::Timestamp;
use serde::Serialize;

use super::live::Live;
use crate::{
    bitrix::contacts::Family,
    cli::desk::Desk,
    condition::{Acts, Condition, Kind, Trouble, sort},
    config::{PortalConfig, written},
    portal::{configured_queue, contacts_in_use},
    service::conditions::{self, Running},
    store::{Contested, LastRun, Parked, RunningDrain, Store, StoreFault, drain_holder},
};

/// The answer of `status --json`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Who holds the drain lock, in its own words; none where nobody drains.
    pub running: Option<String>,
    /// What is not as it should be with this host.
    pub conditions: Vec<Condition>,
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
    /// When the last drain ended that did not fail, or one that is running was seen to get on.
    #[serde(serialize_with = "crate::cli::text::to_the_second_if_any")]
    pub last_success: Option<Timestamp>,
    /// When the oldest of our open rows was queued.
    #[serde(serialize_with = "crate::cli::text::to_the_second_if_any")]
    pub open_since: Option<Timestamp>,
    /// The drain that is running, where it has run for a while.
    pub draining: Option<Draining>,
    /// What is not as it should be.
    pub conditions: Vec<Condition>,
    /// When the tokens were stored.
    #[serde(skip)]
    pub authorised_at: Option<Timestamp>,
    /// What the portal says, with `--live`.
    #[serde(flatten)]
    pub live: Option<Live>,
    /// Why the portal could not be asked, with `--live`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_error: Option<String>,
}

impl PortalStatus {
    /// Notes what the portal's queue says, and answers what of it is not as it should be. `running`:
    /// somebody drains, and binds again by itself.
    pub(in crate::cli) fn note_live(&mut self, live: &Live, running: bool) -> Vec<Trouble> {
        let mut found = Vec::new();
        if !live.bound {
            let unbound = Trouble::new(Kind::Unbound);
            found.push(match running {
                true => unbound.acted_on_by(Acts::Program),
                false => unbound,
            });
        }
        let others = live.reserved.saturating_sub(self.open_rows);
        if others > 0 {
            let said = format!("rows are reserved that nobody here knows of, {others} now");
            found.push(Trouble::said(Kind::ForeignRows, said));
        }
        self.live = Some(live.clone());
        found
    }

    /// Puts what a look at the portal found in place of what the state file knew of it.
    pub(in crate::cli) fn look_anew(&mut self, found: Vec<Trouble>, now: Timestamp) {
        let answered = self.live.is_some();
        let before = std::mem::take(&mut self.conditions);
        let since = |kind| {
            let known = before.iter().find(|it: &&Condition| it.kind == kind);
            known.map_or(now, |it| it.since)
        };
        let name = Some(self.name.as_str());
        let mut all: Vec<Condition> = found
            .iter()
            .map(|it| it.since(since(it.kind), name).at(now, name))
            .collect();
        // Rights to contacts are not looked at here.
        let disproved =
            |kind: Kind| kind.is_on_the_way() || (kind.is_refusal() && kind < Kind::NoReadRight);
        let kept = before.iter().filter(|it| !(answered && disproved(it.kind)));
        let kept = kept.filter(|it| !found.iter().any(|found| found.kind == it.kind));
        all.extend(kept.cloned());
        sort(&mut all, now);
        self.conditions = all;
    }
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

/// A drain that is running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draining {
    /// When it began.
    #[serde(serialize_with = "crate::cli::text::to_the_second")]
    pub began_at: Timestamp,
    /// When it was last seen to get on.
    #[serde(serialize_with = "crate::cli::text::to_the_second")]
    pub seen_at: Timestamp,
    /// Rows of the queue that were settled so far.
    pub events: u64,
    /// Contacts that were written so far.
    pub changed: u64,
    /// Rows that are left, where that is known.
    pub left: Option<u64>,
}

impl From<RunningDrain> for Draining {
    fn from(running: RunningDrain) -> Self {
        Self {
            began_at: running.began_at,
            seen_at: running.seen_at,
            events: running.events,
            changed: running.changed,
            left: running.left,
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

impl LastDrain {
    fn is_success(&self) -> bool {
        matches!(self.outcome.as_str(), "done" | "work left")
    }
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

/// Gathers the status of every portal of `desk`. `warning_age`: nobody drains where nothing was heard of a
/// drain for so many seconds.
///
/// # Errors
/// A fault of the state file.
pub async fn gather(desk: &Desk, warning_age: f64) -> Result<Report, StoreFault> {
    let Some(store) = &desk.store else {
        let fault = StoreFault::Missing(desk.store_path.clone());
        return Ok(without_store(desk, &fault));
    };
    let holder = store.drain_lock_holder()?;
    let mut portals = Vec::new();
    for portal in &desk.portals {
        portals.push(of_portal(desk, store, portal, holder.is_some()).await?);
    }
    let signs = portals.iter().filter_map(|it| {
        let drain = it.last_drain.as_ref().map(|last| last.at);
        drain.max(it.authorised_at)
    });
    let running = Running {
        held: holder.is_some(),
        last_sign: signs.max(),
        warning_age,
    };
    Ok(Report {
        running: holder.map(|holder| holder.to_string()),
        conditions: conditions::of_host(&desk.store_path, running, desk.now()),
        portals,
    })
}

/// What can be told where the state file cannot be opened.
pub fn without_store(desk: &Desk, fault: &StoreFault) -> Report {
    let holder = drain_holder(&desk.store_path).ok().flatten();
    let (held, now) = (holder.is_some(), desk.now());
    let missing = matches!(fault, StoreFault::Missing(_));
    let portals = desk.portals.iter().map(|config| {
        let no_tokens = Trouble::new(Kind::NoTokens).since(now, Some(&config.name));
        PortalStatus {
            conditions: missing.then_some(no_tokens).into_iter().collect(),
            ..configured(config)
        }
    });
    Report {
        running: holder.map(|holder| holder.to_string()),
        conditions: conditions::of_missing(&desk.store_path, fault, held, now),
        portals: portals.collect(),
    }
}

fn configured(portal: &PortalConfig) -> PortalStatus {
    PortalStatus {
        name: portal.name.clone(),
        url: written(&portal.url).to_owned(),
        auth_connector: portal.connector.as_ref().map(|it| it.as_str().to_owned()),
        ..PortalStatus::default()
    }
}

/// Gathers the status of one portal. `held`: somebody holds the drain lock.
///
/// # Errors
/// A fault of the state file.
pub(in crate::cli) async fn of_portal(
    desk: &Desk,
    store: &Store,
    portal: &PortalConfig,
    held: bool,
) -> Result<PortalStatus, StoreFault> {
    let record = desk.find(portal).await?;
    let conditions = conditions::of_portal(store, portal, record.as_ref(), desk.now()).await?;
    let configured = PortalStatus {
        conditions,
        ..configured(portal)
    };
    let Some(record) = record else {
        return Ok(configured);
    };
    let headway = store.headway(record.id).await?;
    // What was noted of a drain whose process has died says nothing any more.
    let running = headway.running.filter(|_| held);
    let backlog = store.backlog(record.id).await?;
    let last_drain = store.last_drain(record.id).await?.map(LastDrain::from);
    let success = last_drain.as_ref().filter(|last| last.is_success());
    let success = success.map(|last| last.at);
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
        last_drain,
        lost: record.lost,
        plan_connector: record.facts.plan_connector,
        paused_at: record.paused_at,
        braked_until: record.braked_until.filter(|until| *until > desk.now()),
        gap_since: cursor.gap_since,
        last_success: success
            .max(headway.succeeded_at)
            .max(running.map(|it| it.seen_at)),
        open_since: backlog.oldest,
        draining: running.map(Draining::from),
        authorised_at: Some(record.stored_at),
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
