//! `ignore`: contacts that are never written.

use std::io::Write;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    cli::{exit::Exit, text::quoted},
    store::{PortalId, Store},
};

/// Arguments of `ignore`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: b24-tidyd ignore add 82 85")]
pub struct IgnoreArgs {
    /// What to do
    #[command(subcommand)]
    pub action: IgnoreAction,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum IgnoreAction {
    /// Leave whole contacts alone from now on
    Add {
        /// Contact ids
        #[arg(required = true, value_name = "ID")]
        contacts: Vec<u64>,
    },
    /// Tidy contacts again, those values included that `undo` put back
    Remove {
        /// Contact ids
        #[arg(required = true, value_name = "ID")]
        contacts: Vec<u64>,
    },
    /// Show what is left alone: whole contacts, and values that `undo` put back
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Entry<'a> {
    contact_id: u64,
    /// None where the whole contact is left alone.
    field: Option<&'a str>,
    value: Option<&'a str>,
    #[serde(serialize_with = "crate::cli::text::to_the_second")]
    since: Timestamp,
}

/// Carries out the action. It takes effect with the next contact that is judged, also in a daemon
/// that is running.
///
/// # Errors
/// A fault of the store, or of `out`.
pub async fn ignore(
    args: &IgnoreArgs,
    store: &Store,
    portal: PortalId,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Exit> {
    match &args.action {
        IgnoreAction::Add { contacts } => {
            store.ignore(portal, contacts, now).await?;
            for contact in contacts {
                writeln!(out, "contact {contact} is left alone from now on")?;
            }
        }
        IgnoreAction::Remove { contacts } => {
            let freed = store.stop_ignoring(portal, contacts).await?;
            for contact in contacts {
                if freed.contains(contact) {
                    writeln!(
                        out,
                        "contact {contact} is tidied again when it next changes"
                    )?;
                } else {
                    writeln!(out, "contact {contact} was not left alone")?;
                }
            }
        }
        IgnoreAction::List { json } => list(store, portal, *json, out).await?,
    }
    Ok(Exit::Done)
}

async fn list(
    store: &Store,
    portal: PortalId,
    json: bool,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let ignored = store.ignored(portal).await?;
    for entry in &ignored {
        let (field, value) = match &entry.value {
            Some((field, value)) => (Some(field.as_str()), Some(value.as_str())),
            None => (None, None),
        };
        if json {
            let entry = Entry {
                contact_id: entry.contact_id,
                field,
                value,
                since: entry.since,
            };
            serde_json::to_writer(&mut *out, &entry)?;
            writeln!(out)?;
            continue;
        }
        let (id, since) = (entry.contact_id, entry.since.strftime("%F"));
        match (field, value) {
            (Some(field), Some(value)) => {
                writeln!(out, "contact {id}  since {since}  {field} while it is")?;
                writeln!(out, "    {}", quoted(value))?;
            }
            _ => writeln!(out, "contact {id}  since {since}  wholly")?,
        }
    }
    if ignored.is_empty() && !json {
        writeln!(out, "nothing is left alone")?;
    }
    Ok(())
}
