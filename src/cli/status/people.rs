//! `status` for people: a few lines per portal, and below them what is not as it should be.

use std::io::{self, Write};

use jiff::Timestamp;

use super::report::{Draining, PortalStatus, Report};
use crate::bitrix::contacts::Family;
use crate::cli::text::{WIDTH, age, count, cut, length, moment, wrapped};
use crate::clock::seconds_between;
use crate::condition::{Acts, Condition};

/// Writes the report.
pub(super) fn write(report: &Report, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    if !report.conditions.is_empty() {
        writeln!(out, "this host")?;
        conditions(&report.conditions, now, out)?;
    }
    for portal in &report.portals {
        let running = match &report.running {
            Some(holder) => format!("running ({holder})"),
            None => "not running".to_owned(),
        };
        let head = format!("{}  {}  {running}", portal.name, portal.url);
        writeln!(out, "{}", cut(&head, WIDTH))?;
        let authorised = portal.member_id.is_some();
        let lines = [
            Some(authorisation(portal, now)),
            authorised.then(|| waiting(portal, now)),
            portal.draining.as_ref().map(|it| draining(it, now)),
            authorised.then(|| last(portal, now)),
        ];
        for line in lines.into_iter().flatten() {
            writeln!(out, "  {}", cut(&line, WIDTH - 2))?;
        }
        conditions(&portal.conditions, now, out)?;
        if portal.conditions.is_empty() && report.conditions.is_empty() {
            writeln!(out, "  needs you: nothing; all is well")?;
        }
    }
    Ok(())
}

/// Each condition in full, and what to do about it: a remedy that is cut off helps nobody.
fn conditions(list: &[Condition], now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    for condition in list {
        let who = match condition.acts {
            Acts::Person => "needs you",
            Acts::Program => "by itself",
        };
        let since = age(condition.since, now);
        let text = format!("{who}, since {since}: {}", condition.text);
        for (at, line) in wrapped(&text, WIDTH - 4).iter().enumerate() {
            let indent = if at == 0 { "  " } else { "    " };
            writeln!(out, "{indent}{line}")?;
        }
        for (at, line) in wrapped(&condition.advice(), WIDTH - 7).iter().enumerate() {
            let indent = if at == 0 { "    -> " } else { "       " };
            writeln!(out, "{indent}{line}")?;
        }
    }
    Ok(())
}

fn authorisation(portal: &PortalStatus, now: Timestamp) -> String {
    if portal.member_id.is_none() {
        return "not authorised: no tokens are stored".to_owned();
    }
    if portal.lost.is_some() {
        return "not authorised: the portal no longer accepts the tokens".to_owned();
    }
    let until = match portal.access_expires_at {
        None => "the access token's end is not known yet".to_owned(),
        Some(end) if end <= now => {
            format!("access token ended {} ago, renewed at need", age(end, now))
        }
        Some(end) => format!(
            "access token until {} ({})",
            moment(end),
            length(seconds_between(now, end))
        ),
    };
    let by = match portal.contacts_api {
        Some(Family::Universal) => " (crm.item)",
        Some(Family::Classic) => " (crm.contact)",
        None => "",
    };
    let refused = portal
        .conditions
        .iter()
        .find(|condition| condition.kind.is_refusal());
    match (&portal.unverified, refused) {
        (Some(_), _) => format!("authorised, but not verified; {until}"),
        (None, Some(_)) => format!("tokens are stored, but see below; {until}"),
        (None, None) => format!("authorised{by}; {until}"),
    }
}

fn waiting(portal: &PortalStatus, now: Timestamp) -> String {
    if let Some(why) = &portal.live_error {
        return format!("waiting: {} of ours; not asked: {why}", portal.open_rows);
    }
    if let Some(live) = &portal.live {
        let since = live
            .oldest_at
            .map(|oldest| format!(" since {}", age(oldest, now)))
            .unwrap_or_default();
        return format!(
            "waiting{since}: {} pending, {} reserved ({} by us), {} error, {} foreign",
            live.pending, live.reserved, portal.open_rows, live.errors, live.foreign
        );
    }
    if portal.open_rows == 0 {
        return "waiting: nothing of ours is open; --live asks the portal".to_owned();
    }
    let errors = match portal.error_rows {
        0 => String::new(),
        errors => format!(", {} among them", count(errors, "error row")),
    };
    let since = portal
        .open_since
        .map(|oldest| format!(" since {}", age(oldest, now)));
    format!(
        "waiting{}: {} of ours in {}{errors}",
        since.unwrap_or_default(),
        count(portal.open_rows, "row"),
        count(portal.open_reservations, "reservation")
    )
}

fn draining(drain: &Draining, now: Timestamp) -> String {
    let left = match drain.left {
        Some(left) => format!(", {left} left"),
        None => String::new(),
    };
    format!(
        "draining since {}: {} done, {} changed{left}, {} ago",
        age(drain.began_at, now),
        count(drain.events, "event"),
        drain.changed,
        age(drain.seen_at, now)
    )
}

fn last(portal: &PortalStatus, now: Timestamp) -> String {
    let Some(last) = &portal.last_drain else {
        return "last drain: none yet".to_owned();
    };
    format!(
        "last drain {} ago: {}, {} changed, {}: {}",
        age(last.at, now),
        count(last.events, "event"),
        last.changed,
        count(last.requests, "request"),
        last.outcome
    )
}
