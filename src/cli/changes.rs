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

use std::sync::Arc;

use clap::Subcommand;

use super::{
    desk::{context, no_tokens, open_to_drain},
    exit::Exit,
    global::Global,
    output::Unread,
    surroundings::Surroundings,
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
    /// Runs the command.
    ///
    /// # Errors
    /// One that [`super::exit::exit_of`] turns into the exit code.
    pub(super) async fn run(
        &self,
        global: &Global,
        world: &mut Surroundings,
    ) -> anyhow::Result<Exit> {
        if !self.writes() {
            world.out.where_unread(Unread::End);
        }
        let (mut out, mut notes) = (world.out.clone(), world.err.clone());
        match self {
            Self::Preview(args) => {
                let (mut drain, _) = to_the_portal(global, world, None).await?;
                preview::preview(args, &mut drain, &mut out, &mut notes).await
            }
            Self::Sweep(args) => {
                let writes = args.apply.then_some("sweep");
                let (mut drain, _lock) = to_the_portal(global, world, writes).await?;
                sweep::sweep(args, &mut drain, &world.zone, &mut out, &mut notes).await
            }
            Self::Undo(args) => {
                let writes = args.apply.then_some("undo");
                let (mut drain, _lock) = to_the_portal(global, world, writes).await?;
                undo::undo(args, &mut drain, &world.zone, &mut out, &mut notes).await
            }
            Self::History(args) => {
                let (store, portal) = of_the_store(global, world).await?;
                let when = (world.clock.now(), &world.zone);
                history::history(args, &store, portal.id, when, &mut out, &mut notes).await
            }
            Self::Ignore(args) => {
                let (store, portal) = of_the_store(global, world).await?;
                ignore::ignore(args, &store, portal.id, world.clock.now(), &mut out).await
            }
        }
    }

    /// Whether work is done that nobody has to watch.
    fn writes(&self) -> bool {
        match self {
            Self::Sweep(args) => args.apply,
            Self::Undo(args) => args.apply,
            Self::Ignore(_) => true,
            Self::Preview(_) | Self::History(_) => false,
        }
    }
}

/// The chosen portal as the store knows it, for commands that ask nobody else.
async fn of_the_store(
    global: &Global,
    world: &Surroundings,
) -> anyhow::Result<(Store, PortalRecord)> {
    let config = global.configuration_without_secrets(world)?;
    let store = Store::open(&config.store).await?;
    let portal = global.chosen(&config)?;
    let record = store
        .find_portal(portal.url.as_str(), &portal.client_id)
        .await?;
    Ok((store, record.ok_or_else(|| no_tokens(portal))?))
}

/// A drain of the chosen portal; with the drain lock where the command `writes`.
async fn to_the_portal(
    global: &Global,
    world: &Surroundings,
    writes: Option<&str>,
) -> anyhow::Result<(Drain, Option<Lock>)> {
    let config = global.configuration(world)?;
    let portal = global.chosen(&config)?;
    portal.require_secret()?;
    let (clock, stop) = (world.clock.clone(), world.stop()?);
    let (context, lock): (Context, Option<Lock>) = match writes {
        Some(command) => {
            let who = format!("b24-tidyd {command}");
            let (context, lock) = open_to_drain(&config.store, &who, clock, stop).await?;
            (context, Some(lock))
        }
        None => (
            context(Store::open(&config.store).await?, clock, stop)?,
            None,
        ),
    };
    let limit = config.poll.limit.get();
    let drain = Drain::open(context, Arc::new(portal.clone()), limit, PATIENCE).await?;
    Ok((drain.ok_or_else(|| no_tokens(portal))?, lock))
}
