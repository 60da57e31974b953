//! The commands that show what is written, before and after, and take it back.

pub mod history;
pub mod ignore;
mod list;
pub mod preview;
mod report;
mod summary;
pub mod sweep;
pub mod undo;
mod walk;

use std::{io, sync::Arc};

use clap::Subcommand;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    desk::{context, no_tokens, open_to_drain},
    exit::Exit,
    global::Global,
    signals::stop_on_signals,
};
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
pub enum ChangesCommand {
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

impl ChangesCommand {
    /// Runs the command with the process's own clock and output.
    ///
    /// # Errors
    /// One that [`super::exit::exit_of`] turns into the exit code.
    pub(super) async fn run(&self, global: &Global) -> anyhow::Result<Exit> {
        let (mut out, mut notes) = (io::stdout(), io::stderr());
        match self {
            Self::Preview(args) => {
                let (mut drain, _) = to_the_portal(global, None)?;
                preview::preview(args, &mut drain, &mut out, &mut notes).await
            }
            Self::Sweep(args) => {
                let (mut drain, _lock) = to_the_portal(global, args.apply.then_some("sweep"))?;
                sweep::sweep(args, &mut drain, &mut out, &mut notes).await
            }
            Self::Undo(args) => {
                let (mut drain, _lock) = to_the_portal(global, args.apply.then_some("undo"))?;
                undo::undo(args, &mut drain, &mut out, &mut notes).await
            }
            Self::History(args) => {
                let (store, portal) = of_the_store(global)?;
                history::history(args, &store, portal.id, Timestamp::now(), &mut out)
            }
            Self::Ignore(args) => {
                let (store, portal) = of_the_store(global)?;
                ignore::ignore(args, &store, portal.id, Timestamp::now(), &mut out)
            }
        }
    }
}

/// The chosen portal as the store knows it, for commands that ask nobody else.
fn of_the_store(global: &Global) -> anyhow::Result<(Store, PortalRecord)> {
    let config = global.configuration_without_secrets()?;
    let store = Store::open(&config.store)?;
    let portal = global.chosen(&config)?;
    let record = store.find_portal(portal.url.as_str(), &portal.client_id)?;
    Ok((store, record.ok_or_else(|| no_tokens(portal))?))
}

/// A drain of the chosen portal; with the drain lock where the command `writes`.
fn to_the_portal(global: &Global, writes: Option<&str>) -> anyhow::Result<(Drain, Option<Lock>)> {
    let config = global.configuration()?;
    let portal = global.chosen(&config)?;
    portal.require_secret()?;
    let stop = CancellationToken::new();
    stop_on_signals(stop.clone())?;
    let (context, lock): (Context, Option<Lock>) = match writes {
        Some(command) => {
            let (context, lock) =
                open_to_drain(&config.store, &format!("b24-tidyd {command}"), stop)?;
            (context, Some(lock))
        }
        None => (context(Store::open(&config.store)?, stop)?, None),
    };
    let limit = config.poll.limit.get();
    let drain = Drain::open(context, Arc::new(portal.clone()), limit, PATIENCE)?;
    Ok((drain.ok_or_else(|| no_tokens(portal))?, lock))
}
