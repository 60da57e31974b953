//! The commands that show what is written, before and after, and take it back.

use std::{io, sync::Arc};

use clap::Subcommand;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{Cli, desk::no_tokens, exit::Exit, history, ignore, preview, run, sweep, undo};
use crate::{
    drain::Drain,
    portal::{Context, Patience},
    store::{Lock, PortalRecord, Store},
};

/// How long a command rests in front of a limit of the portal, in seconds. A blocked method is free
/// again after ten minutes.
const PATIENCE: Patience = Patience {
    longest_wait: 900.0,
};

/// Look before, see after, take it back.
#[derive(Debug, Subcommand)]
pub enum TrustCommand {
    /// Show what the next drain would change, and write nothing
    Preview(preview::PreviewArgs),
    /// Tidy contacts that were there before the daemon; shows only, without --apply
    Sweep(sweep::SweepArgs),
    /// Show what was written, newest first: old and new values, and why
    History(history::HistoryArgs),
    /// Put old values back where what was written still stands; shows only, without --apply
    Undo(undo::UndoArgs),
    /// Keep contacts out: their events are acknowledged, their names never written
    Ignore(ignore::IgnoreArgs),
}

impl TrustCommand {
    /// Runs the command with the process's own clock and output.
    ///
    /// # Errors
    /// One that [`super::exit::exit_of`] turns into the exit code.
    pub async fn run(&self, cli: &Cli) -> anyhow::Result<Exit> {
        let (mut out, mut notes) = (io::stdout(), io::stderr());
        match self {
            Self::Preview(args) => {
                let (mut drain, _) = to_the_portal(cli, None).await?;
                preview::preview(args, &mut drain, &mut out, &mut notes).await
            }
            Self::Sweep(args) => {
                let (mut drain, _lock) = to_the_portal(cli, args.apply.then_some("sweep")).await?;
                sweep::sweep(args, &mut drain, &mut out, &mut notes).await
            }
            Self::Undo(args) => {
                let (mut drain, _lock) = to_the_portal(cli, args.apply.then_some("undo")).await?;
                undo::undo(args, &mut drain, &mut out, &mut notes).await
            }
            Self::History(args) => {
                let (store, portal) = of_the_store(cli).await?;
                history::history(args, &store, portal.id, Timestamp::now(), &mut out).await
            }
            Self::Ignore(args) => {
                let (store, portal) = of_the_store(cli).await?;
                ignore::ignore(args, &store, portal.id, Timestamp::now(), &mut out).await
            }
        }
    }
}

/// The chosen portal as the store knows it, for commands that ask nobody else.
async fn of_the_store(cli: &Cli) -> anyhow::Result<(Store, PortalRecord)> {
    let config = cli.configuration_without_secrets()?;
    let store = Store::open(&config.store).await?;
    let portal = cli.chosen(&config)?;
    let record = store
        .find_portal(portal.url.as_str(), &portal.client_id)
        .await?;
    Ok((store, record.ok_or_else(|| no_tokens(portal))?))
}

/// A drain of the chosen portal; with the drain lock where the command `writes`.
async fn to_the_portal(cli: &Cli, writes: Option<&str>) -> anyhow::Result<(Drain, Option<Lock>)> {
    let config = cli.configuration()?;
    let portal = cli.chosen(&config)?;
    let stop = CancellationToken::new();
    run::stop_on_signals(stop.clone())?;
    let (context, lock): (Context, Option<Lock>) = match writes {
        Some(command) => {
            let (context, lock) =
                run::open(&config.store, &format!("b24-tidyd {command}"), stop).await?;
            (context, Some(lock))
        }
        None => (
            super::context(Store::open(&config.store).await?, stop)?,
            None,
        ),
    };
    let limit = config.poll.limit.get();
    let drain = Drain::open(context, Arc::new(portal.clone()), limit, PATIENCE).await?;
    Ok((drain.ok_or_else(|| no_tokens(portal))?, lock))
}
