//! `failures`: contacts that the portal refuses, and those that somebody else keeps changing back.

use std::io::Write;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use crate::{
    cli::{
        desk::Desk,
        exit::Exit,
        status::report::{self, ContestedContact, ParkedContact},
        text::{WIDTH, count, length, quoted, spelt_out, wrapped},
    },
    clock::seconds_between,
    config::PortalConfig,
};

/// What to do with contacts that cannot be tidied.
#[derive(Debug, Clone, Subcommand)]
pub enum FailuresCommand {
    /// Show them, and why
    List(ListArgs),
    /// Try them again with the next drain
    Retry(ChoiceArgs),
    /// Take them off the list; the next change of a contact brings it back to the drain
    Drop(ChoiceArgs),
}

/// Arguments of `failures list`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: b24-tidyd failures list --json | jq '.portals[].parked[].reason'")]
pub struct ListArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Which contacts are meant.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  b24-tidyd failures retry 82 85
  b24-tidyd failures drop --all")]
pub struct ChoiceArgs {
    /// Contacts by their ids
    #[arg(value_name = "CONTACT", required_unless_present = "all")]
    pub contacts: Vec<u64>,
    /// Every contact on the list
    #[arg(long, conflicts_with = "contacts")]
    pub all: bool,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

impl FailuresCommand {
    /// Runs the command. `retry` and `drop` act on the one portal of `desk`.
    ///
    /// # Errors
    /// A fault of the state file, or no tokens.
    pub async fn run(&self, desk: &Desk, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self {
            Self::List(args) => list(desk, args, out).await,
            Self::Retry(args) => act(desk, args, Act::Retry, out).await,
            Self::Drop(args) => act(desk, args, Act::Drop, out).await,
        }
    }
}

#[derive(Serialize)]
struct Failures {
    name: String,
    parked: Vec<ParkedContact>,
    contested: Vec<ContestedContact>,
}

async fn failures(desk: &Desk, portal: &PortalConfig) -> anyhow::Result<Failures> {
    let mut failures = Failures {
        name: portal.name.clone(),
        parked: Vec::new(),
        contested: Vec::new(),
    };
    if let (Some(store), Some(record)) = (&desk.store, desk.find(portal).await?) {
        failures.parked = report::parked(store, record.id).await?;
        failures.contested = report::contested(store, record.id, desk.now()).await?;
    }
    Ok(failures)
}

async fn list(desk: &Desk, args: &ListArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let mut portals = Vec::new();
    for portal in &desk.portals {
        portals.push(failures(desk, portal).await?);
    }
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &json!({"portals": portals}))?;
        writeln!(out)?;
        return Ok(Exit::Done);
    }
    let now = desk.now();
    let rest = |until| length(seconds_between(now, until));
    for portal in portals {
        writeln!(
            out,
            "{}: {} refused, {} contested",
            portal.name,
            portal.parked.len(),
            portal.contested.len()
        )?;
        for contact in portal.parked {
            let tried = match contact.attempts {
                1 => "tried once".to_owned(),
                times => format!("tried {times} times"),
            };
            let next = rest(contact.next_try_at);
            let head = format!("contact {}, {tried}, next in {next}", contact.contact_id);
            paragraph(out, &head, &contact.reason)?;
        }
        for contact in portal.contested {
            let rest = rest(contact.until);
            let head = format!("contact {}, left alone for {rest}", contact.contact_id);
            let (ours, theirs) = (quoted(&contact.ours), quoted(&contact.theirs));
            paragraph(out, &head, &format!("ours {ours}, theirs {theirs}"))?;
        }
    }
    Ok(Exit::Done)
}

fn paragraph(out: &mut dyn Write, head: &str, text: &str) -> std::io::Result<()> {
    writeln!(out, "  {head}")?;
    for line in wrapped(&spelt_out(text), WIDTH - 4) {
        writeln!(out, "    {line}")?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Act {
    Retry,
    Drop,
}

async fn act(
    desk: &Desk,
    args: &ChoiceArgs,
    act: Act,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let portal = desk.only()?;
    let record = desk.record(portal).await?;
    let listed = failures(desk, portal).await?;
    let parked = listed.parked.iter().map(|contact| contact.contact_id);
    let contested = listed.contested.iter().map(|contact| contact.contact_id);
    let mut listed: Vec<u64> = parked.chain(contested).collect();
    listed.sort_unstable();
    listed.dedup();
    let (meant, unknown): (Vec<u64>, Vec<u64>) = if args.all {
        (listed, Vec::new())
    } else {
        args.contacts.iter().partition(|id| listed.contains(id))
    };
    let store = desk.store()?;
    let (key, done) = match act {
        Act::Retry => {
            store.retry_parked(record.id, &meant).await?;
            store.settle_contest(record.id, &meant).await?;
            ("retried", "tried again with the next drain")
        }
        Act::Drop => {
            store.drop_failures(record.id, &meant).await?;
            ("dropped", "taken off the list")
        }
    };
    if args.json {
        let answer = json!({"portal": portal.name, key: meant, "not_listed": unknown});
        writeln!(out, "{answer}")?;
        return Ok(Exit::Done);
    }
    let number = count(meant.len() as u64, "contact");
    writeln!(out, "{}: {number} {done}", portal.name)?;
    for id in unknown {
        writeln!(out, "  contact {id} is not on the list")?;
    }
    Ok(Exit::Done)
}
