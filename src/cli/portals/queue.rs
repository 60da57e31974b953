//! `queue list`: what stands in the portals' queues, who reserved it, and how old it is.

use std::{
    collections::{BTreeMap, HashSet},
    io::{self, Write},
    sync::Arc,
};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::answered::{Answered, exit_of_all};
use crate::{
    bitrix::events::{EventRow, Listed},
    cli::{
        desk::Desk,
        exit::Exit,
        status::live::RowState,
        text::{WIDTH, age, count, cut},
    },
    config::PortalConfig,
};

/// What to do with a queue.
#[derive(Debug, Clone, Subcommand)]
pub enum QueueCommand {
    /// Show what waits in the portal, and who reserved it; nothing is touched
    List(ListArgs),
}

/// Arguments of `queue list`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: b24-tidyd queue list")]
pub struct ListArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

impl QueueCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Where `out` cannot be written. A portal that cannot be asked is part of the answer.
    pub async fn run(&self, desk: &Desk, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let Self::List(args) = self;
        let mut answers = Vec::new();
        for portal in &desk.portals {
            answers.push(Answered::new(portal, queue(desk, portal).await));
        }
        if args.json {
            serde_json::to_writer_pretty(&mut *out, &json!({"portals": answers}))?;
            writeln!(out)?;
        } else {
            for answer in &answers {
                match &answer.found {
                    Ok(queue) => write(queue, desk.now(), out)?,
                    Err(_) => answer.write_error(out)?,
                }
            }
        }
        Ok(exit_of_all(&answers))
    }
}

/// The queue of one portal, for one connector.
#[derive(Serialize)]
struct Queue {
    name: String,
    /// The connector whose queue this is.
    auth_connector: Option<String>,
    /// Rows in the portal's queue.
    rows: u64,
    /// Rows that the store counts as open and the portal no longer has.
    only_here: u64,
    groups: Vec<Group>,
}

/// Rows in the same state, of the same event, in the same hands.
#[derive(Serialize)]
struct Group {
    state: RowState,
    event: String,
    /// The event is one of our two; rows of others belong to other handlers of the application.
    ours: bool,
    process_id: Option<String>,
    /// The reservation is known to this state file.
    known: Option<bool>,
    rows: u64,
    #[serde(serialize_with = "crate::cli::text::to_the_second_if_any")]
    oldest_at: Option<Timestamp>,
}

async fn queue(desk: &Desk, config: &Arc<PortalConfig>) -> anyhow::Result<Queue> {
    let portal = desk.portal(config).await?.doing_without();
    let rows = portal.queue_rows(Listed::Everything).await?;
    // Read after the portal was asked: whatever it showed as reserved by us is in the store by now.
    let queue = portal.queue();
    let open = desk.store()?.open_events(&queue).await?;
    let there: HashSet<u64> = rows.iter().map(|row| row.id.get()).collect();
    let only_here = open.iter().filter(|event| !there.contains(&event.row_id));
    let known: HashSet<&str> = open
        .iter()
        .filter_map(|it| it.process_id.as_deref())
        .collect();
    Ok(Queue {
        name: config.name.clone(),
        auth_connector: Some(queue.connector).filter(|connector| !connector.is_empty()),
        rows: rows.len() as u64,
        only_here: only_here.count() as u64,
        groups: grouped(&rows, &known),
    })
}

fn grouped(rows: &[EventRow], known: &HashSet<&str>) -> Vec<Group> {
    let mut groups: BTreeMap<_, Group> = BTreeMap::new();
    for row in rows {
        let process_id = row.process_id.as_ref().map(|id| id.as_str().to_owned());
        let (ours, state) = (row.event().is_some(), RowState::of(row));
        let key = (!ours, state, row.name.clone(), process_id.clone());
        let group = groups.entry(key).or_insert_with(|| Group {
            state,
            event: row.name.to_ascii_uppercase(),
            ours,
            known: process_id.as_deref().map(|id| known.contains(id)),
            process_id,
            rows: 0,
            oldest_at: None,
        });
        group.rows += 1;
        group.oldest_at = group.oldest_at.into_iter().chain(row.changed_at).min();
    }
    groups.into_values().collect()
}

fn write(queue: &Queue, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
    let connector = match &queue.auth_connector {
        Some(connector) => format!("auth_connector {connector}"),
        None => "no auth_connector".to_owned(),
    };
    let rows = count(queue.rows, "row");
    let head = format!("{}: {rows} in the queue ({connector})", queue.name);
    writeln!(out, "{}", cut(&head, WIDTH))?;
    for group in &queue.groups {
        writeln!(out, "  {}", cut(&line(group, now), WIDTH - 2))?;
    }
    if queue.only_here > 0 {
        let rows = count(queue.only_here, "row");
        writeln!(out, "  {rows} here that the portal no longer has")?;
    }
    Ok(())
}

fn line(group: &Group, now: Timestamp) -> String {
    let age = match group.oldest_at {
        Some(oldest) => format!(" since {}", age(oldest, now)),
        None => String::new(),
    };
    let start = format!(
        "{:8}  {:18}  {}{age}",
        group.state.as_str(),
        group.event,
        count(group.rows, "row"),
    );
    let by = match (&group.process_id, group.known, group.ours) {
        (_, _, false) => ", not ours".to_owned(),
        (Some(_), Some(true), _) => ", by us".to_owned(),
        (Some(process), ..) => {
            let start: String = process.chars().take(8).collect();
            format!(", by {start}… unknown here")
        }
        (None, ..) => String::new(),
    };
    format!("{start}{by}")
}
