//! `status` for people: at most five lines per portal.

use std::io::{self, Write};

use jiff::Timestamp;

use super::report::{PortalStatus, Report};
use crate::bitrix::contacts::Family;
use crate::cli::text::{WIDTH, age, count, cut, length, listed, moment};
use crate::clock::seconds_between;

/// Writes the report.
pub(super) fn write(report: &Report, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    for portal in &report.portals {
        let running = match &report.running {
            Some(holder) => format!("running ({holder})"),
            None => "not running".to_owned(),
        };
        let head = format!("{}  {}  {running}", portal.name, portal.url);
        let lines = [
            Some(authorisation(portal, now)),
            portal.member_id.as_ref().map(|_| waiting(portal, now)),
            portal.member_id.as_ref().map(|_| last(portal, now)),
            Some(format!("needs you: {}", needs(portal, now))),
        ];
        writeln!(out, "{}", cut(&head, WIDTH))?;
        for line in lines.into_iter().flatten() {
            writeln!(out, "  {}", cut(&line, WIDTH - 2))?;
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
    match &portal.unverified {
        Some(_) => format!("authorised, but not verified; {until}"),
        None => format!("authorised{by}; {until}"),
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
    format!(
        "waiting: {} of ours in {}{errors}",
        count(portal.open_rows, "row"),
        count(portal.open_reservations, "reservation")
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

/// What a person should know or do, the gravest first.
fn needs(portal: &PortalStatus, now: Timestamp) -> String {
    let mut items = Vec::new();
    let name = &portal.name;
    if portal.member_id.is_none() {
        items.push(format!("`b24-tidyd --portal {name} auth login`"));
    }
    items.extend(portal.lost.clone());
    items.extend(
        portal
            .unverified
            .as_ref()
            .map(|why| format!("not verified: {why}")),
    );
    if let Some(since) = portal.paused_at {
        items.push(format!("paused {} ago (`resume`)", age(since, now)));
    }
    if let Some(until) = portal.braked_until {
        let rest = length(seconds_between(now, until));
        items.push(format!("brake for {rest}"));
    }
    if !(portal.parked.is_empty() && portal.contested.is_empty()) {
        let (parked, contested) = (portal.parked.len(), portal.contested.len());
        items.push(format!(
            "{parked} refused, {contested} contested (`failures list`)"
        ));
    }
    if portal.live.as_ref().is_some_and(|live| !live.bound) {
        items.push("events are not bound (`doctor`)".to_owned());
    }
    if let Some(gap) = portal.gap_since {
        items.push(format!("catching up from {}", moment(gap)));
    }
    if portal.plan_connector == Some(false) && portal.auth_connector.is_some() {
        items.push("plan without auth_connector".to_owned());
    }
    if portal.plan_confirms == Some(false) {
        items.push("plan without reservations".to_owned());
    }
    if portal.guards_work == Some(false) {
        items.push("no guards".to_owned());
    }
    if items.is_empty() {
        return "nothing".to_owned();
    }
    listed(&items, WIDTH - 2 - "needs you: ".len())
}
