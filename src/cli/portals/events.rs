//! `events`: which events the portal records for us.

use std::{
    io::{self, Write},
    sync::Arc,
};

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::answered::{Answered, exit_of_all};
use crate::{
    bitrix::{
        Batch, Problem,
        events::{self, Binding, ContactEvent},
    },
    cli::{
        desk::Desk,
        exit::Exit,
        text::{WIDTH, cut, wrapped},
    },
    config::PortalConfig,
    portal::{CallFailure, Portal, Repeat},
};

/// What to do with the bindings.
#[derive(Debug, Clone, Subcommand)]
pub enum EventsCommand {
    /// Show every binding of the application
    List(EventsArgs),
    /// Bind what is missing of the two contact events; every drain does so by itself
    Bind(EventsArgs),
    /// Remove the bindings: the portal records no changes from then on
    Unbind(UnbindArgs),
}

/// Arguments of `events list` and `events bind`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: b24-tidyd --portal acme events list")]
pub struct EventsArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `events unbind`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Stop the daemon first: it binds again what it finds missing.

Examples:
  b24-tidyd --portal acme events unbind
  b24-tidyd --portal acme events unbind --connector old-name"
)]
pub struct UnbindArgs {
    /// The bindings of this auth_connector ('' for none) instead of the configured one
    #[arg(long, value_name = "NAME")]
    pub connector: Option<String>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

impl EventsCommand {
    /// Runs the command. `bind` and `unbind` act on the one portal of `desk`.
    ///
    /// # Errors
    /// A fault of the state file, no tokens, or a portal that cannot be asked; for `list` the last two
    /// are part of the answer.
    pub async fn run(&self, desk: &Desk, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self {
            Self::List(args) => list(desk, args, out).await,
            Self::Bind(args) => bind(desk, args, out).await,
            Self::Unbind(args) => unbind(desk, args, out).await,
        }
    }
}

#[derive(Serialize)]
struct Bindings {
    name: String,
    /// Both contact events are bound with the connector in use.
    bound: bool,
    /// The connector in use.
    auth_connector: Option<String>,
    bindings: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    event: String,
    offline: bool,
    auth_connector: Option<String>,
    /// One of the two bindings that the drain needs.
    ours: bool,
}

fn some(connector: &str) -> Option<String> {
    Some(connector.to_owned()).filter(|connector| !connector.is_empty())
}

/// The bindings of the application, as the portal shows them.
async fn ask(portal: &Portal) -> anyhow::Result<Vec<Binding>> {
    let reply = portal.call(&events::bindings(), Repeat::Freely).await?;
    Ok(events::read_bindings(reply.result).map_err(CallFailure::from)?)
}

async fn bindings(desk: &Desk, config: &Arc<PortalConfig>) -> anyhow::Result<Bindings> {
    let portal = desk.portal(config).await?.doing_without();
    let found = ask(&portal).await?;
    // Not before: a connector that the plan refuses is not the one in use.
    let connector = portal.queue().connector;
    let rows = found.iter().map(|binding| Row {
        event: binding.event.clone(),
        offline: binding.offline,
        auth_connector: some(&binding.connector),
        ours: binding.offline
            && binding.connector == connector
            && ContactEvent::from_name(&binding.event).is_some(),
    });
    Ok(Bindings {
        name: config.name.clone(),
        bound: events::unbound(&found, &ContactEvent::NAMES, &connector).is_empty(),
        bindings: rows.collect(),
        auth_connector: some(&connector),
    })
}

async fn list(desk: &Desk, args: &EventsArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let mut answers = Vec::new();
    for config in &desk.portals {
        answers.push(Answered::new(config, bindings(desk, config).await));
    }
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &json!({"portals": answers}))?;
        writeln!(out)?;
    } else {
        for answer in &answers {
            match &answer.found {
                Ok(portal) => write(portal, out)?,
                Err(_) => answer.write_error(out)?,
            }
        }
    }
    Ok(exit_of_all(&answers))
}

fn write(portal: &Bindings, out: &mut dyn Write) -> io::Result<()> {
    let verdict = if portal.bound {
        "the contact events are bound"
    } else {
        "the contact events are not all bound; changes go unrecorded"
    };
    writeln!(
        out,
        "{}",
        cut(&format!("{}: {verdict}", portal.name), WIDTH)
    )?;
    for row in &portal.bindings {
        let kind = if row.offline { "offline" } else { "online" };
        let connector = row.auth_connector.as_deref().unwrap_or("no connector");
        let ours = if row.ours { "ours" } else { "not ours" };
        let line = format!("{:18}  {kind:7}  {ours:8}  {connector}", row.event);
        writeln!(out, "  {}", cut(&line, WIDTH - 2))?;
    }
    Ok(())
}

async fn bind(desk: &Desk, args: &EventsArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let config = desk.only()?;
    let portal = desk.portal(config).await?;
    let found = ask(&portal).await?;
    let mut batch = Batch::new();
    let mut missing = Vec::new();
    for event in events::unbound(&found, &ContactEvent::NAMES, &portal.queue().connector) {
        batch.push(event, &events::bind(event));
        missing.push(event);
    }
    if !missing.is_empty() {
        // Before they are bound: the next survey finds nothing missing any more.
        desk.store()?.open_gap(&portal.configured_queue()).await?;
        let mut answer = portal.batch(&batch, Repeat::Freely).await?;
        for event in &missing {
            match answer.take(event) {
                Ok(_) | Err(Problem::AlreadyBound) => {}
                Err(problem) => return Err(CallFailure::from(problem).into()),
            }
        }
        let now = portal.now();
        let since = answer.time.began.unwrap_or(now);
        desk.store()?
            .begin_account(&portal.configured_queue(), since, now)
            .await?;
    }
    if args.json {
        let answer = json!({"portal": config.name, "bound": missing});
        writeln!(out, "{answer}")?;
    } else if missing.is_empty() {
        writeln!(
            out,
            "{}: both contact events were bound already",
            config.name
        )?;
    } else {
        writeln!(out, "{}: bound {}", config.name, missing.join(" and "))?;
    }
    Ok(Exit::Done)
}

async fn unbind(desk: &Desk, args: &UnbindArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let config = desk.only()?;
    let portal = desk.portal(config).await?;
    if let Some(connector) = &args.connector {
        portal.use_connector(Some(connector.as_str()).filter(|name| !name.is_empty()));
    }
    let connector = portal.queue().connector;
    let found = ask(&portal).await?;
    let mut batch = Batch::new();
    let mut unbound = Vec::new();
    for event in ContactEvent::NAMES {
        if found.iter().any(|it| it.records(event, &connector)) {
            batch.push(event, &events::unbind(event));
            unbound.push(event);
        }
    }
    if !unbound.is_empty() {
        let mut answer = portal.batch(&batch, Repeat::Freely).await?;
        for event in &unbound {
            answer.take(event).map_err(CallFailure::from)?;
        }
    }
    let name = &config.name;
    if args.json {
        writeln!(out, "{}", json!({"portal": name, "unbound": unbound}))?;
        return Ok(Exit::Done);
    }
    match unbound.as_slice() {
        [] => writeln!(out, "{name}: nothing of ours was bound")?,
        unbound => writeln!(out, "{name}: unbound {}", unbound.join(" and "))?,
    }
    if let Some(holder) = desk.store()?.drain_lock_holder()? {
        let warning = format!("{holder} is running and will bind them again; stop it first");
        for line in wrapped(&warning, WIDTH - 2) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(Exit::Done)
}
