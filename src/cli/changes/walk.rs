//! Walking over all contacts, to show or to tidy them: paced, and resumed where it was interrupted.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    list::{ChangeList, FormArgs},
    report::Report,
    summary::ChangeSummary,
};
use crate::{
    cli::{
        exit::Exit,
        text::{When, count, spelt_out, typed},
    },
    clock::after,
    drain::{Drain, Outcome, Sweep, Swept},
    portal::CallFailure,
    store::{Parked, Walk},
};

/// How often the progress is told, in seconds.
const BETWEEN_NOTES: f64 = 10.0;

/// A walk that was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errand {
    /// Under which name it is resumed.
    pub purpose: &'static str,
    /// Only contacts changed since then.
    pub modified_since: Option<When>,
    /// Contacts that need a change, at most.
    pub limit: Option<u64>,
    /// Write.
    pub apply: bool,
    /// Begin anew.
    pub restart: bool,
    /// The form of the list.
    pub form: FormArgs,
}

/// What a walk has counted so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Progress {
    /// What was asked for: another wish begins anew.
    asked: Option<When>,
    since: Option<Timestamp>,
    looked_at: u64,
    written: u64,
    refused: u64,
    changes: ChangeSummary,
    /// Contacts behind the last one that is done: they are counted, and walked over once more.
    counted: HashSet<u64>,
}

/// Walks, lists what it finds and sums up. With `apply` the caller holds the drain lock.
pub(super) async fn walk(
    errand: &Errand,
    drain: &mut Drain,
    zone: &TimeZone,
    out: &mut (dyn Write + Send),
    notes: &mut (dyn Write + Send),
) -> anyhow::Result<Exit> {
    let (store, portal) = (drain.portal().store().clone(), drain.portal().id);
    let began = drain.portal().now();
    let (mut walk, mut progress) = begin(errand, drain, zone, notes).await?;
    let parked = store.parked(portal).await?.into_iter();
    let refused_before: HashSet<(u64, u32)> =
        parked.map(|it| (it.contact_id, it.attempts)).collect();
    let mut list = match walk.reached {
        0 => ChangeList::of_plans(out, errand.form)?,
        _ => ChangeList::of_more_plans(out, errand.form),
    };
    let (mut found, mut settled, mut noted_at) = (0, 0, began);
    let clock = drain.portal().clock();
    let outcome = loop {
        let done = if errand.apply { settled } else { found };
        let order = Sweep {
            modified_since: progress.since,
            after: walk.reached,
            limit: errand.limit.map(|limit| limit.saturating_sub(done).max(1)),
            apply: errand.apply,
        };
        let looked_at_before = progress.looked_at;
        let summary = drain
            .sweep_pass(&order, async |swept| {
                match swept {
                    Swept::Found {
                        contact_id,
                        changes,
                    } => {
                        if progress.counted.insert(contact_id) {
                            found += 1;
                            progress.changes.add(changes);
                            list.plan(contact_id, changes)?;
                        }
                    }
                    Swept::UpTo {
                        contact_id,
                        looked_at,
                    } => {
                        progress.counted.clear();
                        walk.reached = contact_id;
                        progress.looked_at = looked_at_before + looked_at;
                        walk.state = serde_json::to_string(&progress).map_err(io::Error::from)?;
                        store.set_walk(portal, errand.purpose, &walk).await?;
                        if clock.now() >= after(noted_at, BETWEEN_NOTES) {
                            noted_at = clock.now();
                            let (looked_at, change) = (progress.looked_at, progress.changes.contacts);
                            writeln!(notes, "{looked_at} contacts looked at, {change} to change; at contact {contact_id}")?;
                        }
                    }
                }
                Ok(())
            })
            .await?;
        settled += summary.totals.changed + summary.parked;
        progress.written += summary.totals.changed;
        progress.refused += summary.parked;
        match summary.outcome {
            Outcome::WorkLeft { until, why } => {
                writeln!(notes, "waiting until {until:.0}: {why}")?;
                match drain.portal().rest_until(until, &why).await {
                    Ok(()) => {}
                    Err(CallFailure::Stopped) => break Outcome::Stopped,
                    Err(CallFailure::MustWait { until, why }) => {
                        let why = why.to_string();
                        break Outcome::WorkLeft { until, why };
                    }
                    Err(failure) => return Err(failure.into()),
                }
            }
            outcome => break outcome,
        }
    };
    let full = errand.limit.is_some_and(|limit| found >= limit);
    if outcome == Outcome::Done && !full {
        store.end_walk(portal, errand.purpose).await?;
    } else {
        walk.state = serde_json::to_string(&progress)?;
        store.set_walk(portal, errand.purpose, &walk).await?;
    }
    let mut report = Report::new(errand.form, list.end(), notes);
    let mut refused = store.parked(portal).await?;
    refused.retain(|it| !refused_before.contains(&(it.contact_id, it.attempts)));
    let ended = Ended {
        outcome,
        full,
        portal: &drain.portal().config.name,
        reached: walk.reached,
        refused,
    };
    sum_up(errand, &progress, &ended, &mut report)
}

/// How a walk ended.
struct Ended<'a> {
    outcome: Outcome,
    /// As many contacts were found as were wanted.
    full: bool,
    portal: &'a str,
    /// The last contact that is done.
    reached: u64,
    /// Contacts that the portal refused in the course of it.
    refused: Vec<Parked>,
}

/// Refused contacts that are named at most; the list of failures has them all.
const MOST_NAMED: usize = 20;

/// Where the walk begins: behind the last contact of an unfinished one of the same kind.
async fn begin(
    errand: &Errand,
    drain: &Drain,
    zone: &TimeZone,
    notes: &mut (dyn Write + Send),
) -> anyhow::Result<(Walk, Progress)> {
    let (store, portal, now) = (
        drain.portal().store(),
        drain.portal().id,
        drain.portal().now(),
    );
    if !errand.restart
        && let Some(walk) = store.walk(portal, errand.purpose).await?
    {
        let (begun, reached) = (walk.begun_at, walk.reached);
        match serde_json::from_str::<Progress>(&walk.state) {
            Ok(progress) if progress.asked == errand.modified_since => {
                writeln!(
                    notes,
                    "going on behind contact {reached}; begun at {begun:.0}, --restart begins anew"
                )?;
                return Ok((walk, progress));
            }
            _ => writeln!(
                notes,
                "an unfinished walk with another --modified-since is given up"
            )?,
        }
    }
    store.end_walk(portal, errand.purpose).await?;
    let progress = Progress {
        asked: errand.modified_since,
        since: errand
            .modified_since
            .map(|when| when.resolve(now, zone, notes))
            .transpose()?,
        ..Progress::default()
    };
    let walk = Walk {
        reached: 0,
        state: String::new(),
        begun_at: now,
    };
    Ok((walk, progress))
}

fn sum_up(
    errand: &Errand,
    progress: &Progress,
    ended: &Ended<'_>,
    report: &mut Report<'_>,
) -> anyhow::Result<Exit> {
    let Ended {
        outcome,
        full,
        portal,
        reached,
        refused,
    } = ended;
    let changes = &progress.changes;
    let complete = *outcome == Outcome::Done && !full;
    let named = |it: &Parked| json!({"contact_id": it.contact_id, "reason": it.reason});
    report.summary(&json!({
        "complete": complete, "reached": reached, "applied": errand.apply,
        "checked": progress.looked_at, "contacts": changes.contacts, "fields": changes.fields,
        "written": progress.written, "refused": progress.refused,
        "refused_contacts": refused.iter().map(named).collect::<Vec<_>>(),
        "by_rule": changes.rules(),
    }))?;
    let verb = if errand.apply {
        "needed a change"
    } else {
        "would change"
    };
    report.line(&format!(
        "{} looked at, {} {verb} ({})",
        count(progress.looked_at, "contact"),
        changes.contacts,
        count(changes.fields, "field")
    ))?;
    changes.write_rules(report.for_people())?;
    if errand.apply {
        report.line(&format!("{} written", count(progress.written, "contact")))?;
    }
    if progress.refused > 0 {
        report.line(&format!(
            "{} refused by the portal; see {}",
            count(progress.refused, "contact"),
            typed(portal, "failures list")
        ))?;
    }
    for contact in refused.iter().take(MOST_NAMED) {
        let (id, reason) = (contact.contact_id, spelt_out(&contact.reason));
        report.line(&format!("contact {id} is refused: {reason}"))?;
    }
    Ok(match outcome {
        Outcome::Done if *full => {
            report.line(&format!(
                "the limit is reached at contact {reached}; run it again to go on behind it"
            ))?;
            Exit::Done
        }
        Outcome::Done => {
            if !errand.apply {
                report.line("nothing was written")?;
            }
            Exit::Done
        }
        Outcome::Paused => {
            let resume = typed(portal, "resume");
            report.line(&format!("the portal is paused; run {resume} first"))?;
            Exit::Temporary
        }
        Outcome::Stopped => {
            report.line(&format!(
                "stopped behind contact {reached}; run it again to go on"
            ))?;
            Exit::Temporary
        }
        Outcome::WorkLeft { until, why } => {
            report.line(&format!("{why}; run it again after {until:.0} to go on"))?;
            Exit::Temporary
        }
    })
}
