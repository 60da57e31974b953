//! The conditions of the host: state file, configuration, daemon.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::aside;
use crate::{
    clock::after,
    condition::{Condition, Kind, Trouble, changes, sort},
    store::StoreFault,
};

/// What is known of the drains on this host.
#[derive(Debug, Clone, Copy, Default)]
pub struct Running {
    /// Somebody holds the drain lock.
    pub held: bool,
    /// When the last drain of any portal ended, or tokens were stored.
    pub last_sign: Option<Timestamp>,
    /// So old the last sign may be, in seconds.
    pub warning_age: f64,
}

/// The host's conditions at `now`, where the state file at `store` could be opened.
#[must_use]
pub fn of_host(store: &Path, running: Running, now: Timestamp) -> Vec<Condition> {
    let mut all = aside::read(store, running.held);
    let quiet = |sign: &Timestamp| *sign < after(now, -running.warning_age);
    if let Some(sign) = running.last_sign.filter(quiet)
        && !running.held
    {
        let said = format!("the last drain ended at {sign:.0}");
        all.push(Trouble::said(Kind::NotRunning, said).since(sign, None));
    }
    let mut all: Vec<Condition> = all.into_iter().map(|it| it.at(now, None)).collect();
    sort(&mut all, now);
    all
}

/// The host's conditions at `now`, where the state file at `store` could not be opened.
#[must_use]
pub fn of_missing(store: &Path, fault: &StoreFault, held: bool, now: Timestamp) -> Vec<Condition> {
    let written = aside::read(store, true);
    let deleted = held || written.iter().any(|it| it.kind == Kind::StateDeleted);
    let trouble = match fault {
        StoreFault::Missing(path) if deleted => {
            Trouble::said(Kind::StateDeleted, path.display().to_string())
        }
        fault => super::of_store(fault),
    };
    let written: Vec<Condition> = written
        .into_iter()
        .filter(|it| held || it.kind == trouble.kind)
        .collect();
    let known = written.iter().find(|it| it.kind == trouble.kind);
    let since = known.map_or(now, |it| it.since);
    let others = written.iter().filter(|it| it.kind != trouble.kind);
    let mut all: Vec<Condition> = [trouble.since(since, None)]
        .into_iter()
        .chain(others.cloned())
        .map(|it| it.at(now, None))
        .collect();
    sort(&mut all, now);
    all
}

/// The host's conditions as a process finds them. Clones are the same book.
#[derive(Debug, Clone)]
pub(in crate::service) struct HostBook {
    store: Arc<Path>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    conditions: BTreeMap<Kind, Condition>,
    /// Why the heartbeats of portals do not get through, by portal.
    heartbeats: BTreeMap<String, String>,
}

/// The kinds that a state file that works again puts an end to.
const OF_STATE_FILE: [Kind; 4] = [
    Kind::StateFile,
    Kind::StateDeleted,
    Kind::DiskFull,
    Kind::StateLocked,
];

impl HostBook {
    /// The book of the state file at `store`, with what was written beside it before.
    pub(in crate::service) fn open(store: &Path) -> Self {
        let before = aside::read(store, false);
        let conditions = before.into_iter().map(|it| (it.kind, it)).collect();
        let state = State {
            conditions,
            ..State::default()
        };
        Self {
            store: store.into(),
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Everything at `now`.
    pub(in crate::service) fn list(&self, now: Timestamp) -> Vec<Condition> {
        let all = self.state().conditions.clone().into_values();
        let mut all: Vec<Condition> = all.map(|it| it.at(now, None)).collect();
        sort(&mut all, now);
        all
    }

    /// The state file failed.
    pub(in crate::service) fn failed(&self, fault: &StoreFault, now: Timestamp) {
        let trouble = match fault {
            StoreFault::Missing(path) | StoreFault::Replaced(path) => {
                Trouble::said(Kind::StateDeleted, path.display().to_string())
            }
            fault => super::of_store(fault),
        };
        let kind = trouble.kind;
        let other = OF_STATE_FILE.into_iter().filter(move |it| *it != kind);
        self.change(other, Some(trouble), now);
    }

    /// The state file works.
    pub(in crate::service) fn works(&self, now: Timestamp) {
        self.change(OF_STATE_FILE, None, now);
    }

    /// This is so, or is no more, where there is no trouble.
    pub(in crate::service) fn set(&self, kind: Kind, trouble: Option<Trouble>, now: Timestamp) {
        let over = trouble.is_none().then_some(kind);
        self.change(over, trouble, now);
    }

    /// The heartbeat of a portal got through, or did not for that reason.
    pub(in crate::service) fn heartbeat(
        &self,
        portal: &str,
        reason: Option<String>,
        now: Timestamp,
    ) {
        let mut state = self.state();
        let heartbeats = &mut state.heartbeats;
        match reason {
            Some(reason) => heartbeats.insert(portal.to_owned(), reason),
            None => heartbeats.remove(portal),
        };
        let reasons = heartbeats.iter();
        let reasons: Vec<String> = reasons
            .map(|(portal, why)| format!("{portal}: {why}"))
            .collect();
        drop(state);
        let trouble = Trouble::said(Kind::Heartbeat, reasons.join("; "));
        self.set(
            Kind::Heartbeat,
            (!reasons.is_empty()).then_some(trouble),
            now,
        );
    }

    fn change(
        &self,
        over: impl IntoIterator<Item = Kind>,
        trouble: Option<Trouble>,
        now: Timestamp,
    ) {
        let mut state = self.state();
        let conditions = &mut state.conditions;
        let before: Vec<Condition> = conditions.values().cloned().collect();
        for kind in over {
            conditions.remove(&kind);
        }
        if let Some(trouble) = trouble {
            let known = conditions.get(&trouble.kind).map(|it| it.since);
            let condition = trouble.since(known.unwrap_or(now), None).at(now, None);
            conditions.insert(condition.kind, condition);
        }
        let after: Vec<Condition> = conditions.values().cloned().collect();
        drop(state);
        if before == after {
            return;
        }
        for change in changes(&before, &after) {
            super::told::log(None, change, now);
        }
        aside::write(&self.store, &after);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
