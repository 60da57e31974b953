//! The commands that show what is written, before and after, and take it back.

use std::io::{self, ErrorKind};

use clap::Subcommand;
use jiff::Timestamp;

use super::{
    Cli,
    exit::{Exit, Refusal},
    history, ignore,
};
use crate::{
    config::{Config, PortalConfig, ProcessEnvironment},
    store::{PortalRecord, Store},
};

/// Look before, see after, take it back.
#[derive(Debug, Subcommand)]
pub enum TrustCommand {
    /// Show what was written, newest first: old and new values, and why
    History(history::HistoryArgs),
    /// Keep contacts out: their events are acknowledged, their names never written
    Ignore(ignore::IgnoreArgs),
}

impl TrustCommand {
    /// Runs the command with the process's own clock and output.
    ///
    /// # Errors
    /// One that [`super::exit::exit_of`] turns into the exit code.
    pub async fn run(&self, cli: &Cli) -> anyhow::Result<Exit> {
        let mut out = io::stdout();
        let outcome = match self {
            Self::History(args) => {
                let (store, portal) = of_the_store(cli)?;
                history::history(args, &store, portal.id, Timestamp::now(), &mut out)
            }
            Self::Ignore(args) => {
                let (store, portal) = of_the_store(cli)?;
                ignore::ignore(args, &store, portal.id, Timestamp::now(), &mut out)
            }
        };
        // Whoever read our output has seen enough.
        match outcome {
            Err(error) if is_closed_pipe(&error) => Ok(Exit::Done),
            other => other,
        }
    }
}

/// The chosen portal as the store knows it, for commands that ask nobody else.
fn of_the_store(cli: &Cli) -> anyhow::Result<(Store, PortalRecord)> {
    let config = Config::load_without_secrets(&cli.config, &ProcessEnvironment)?;
    let store = Store::open(&config.store)?;
    let record = record(&store, cli.chosen(&config)?)?;
    Ok((store, record))
}

fn record(store: &Store, portal: &PortalConfig) -> anyhow::Result<PortalRecord> {
    let found = store.find_portal(portal.url.as_str(), &portal.client_id)?;
    found.ok_or_else(|| {
        Refusal {
            exit: Exit::NotAuthorised,
            message: format!(
                "{}: no tokens; run `b24-tidyd auth login` or `b24-tidyd auth import`",
                portal.name
            ),
        }
        .into()
    })
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}
