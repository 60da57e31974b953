//! The commands about portals and their queues: what stands there, and how to mend it.

mod answered;
mod events;
mod failures;
mod pause;
mod queue;

use std::io::Write;

use clap::Subcommand;

use super::{
    desk::{Desk, desk},
    exit::Exit,
    global::Global,
    surroundings::Surroundings,
};
use events::EventsCommand;
use failures::FailuresCommand;
use pause::PauseArgs;
use queue::QueueCommand;

/// Portals and their queues: see, mend, pause.
#[derive(Debug, Subcommand)]
pub enum PortalsCommand {
    /// Contacts that the portal refuses, or that somebody else keeps changing back
    #[command(subcommand)]
    Failures(FailuresCommand),
    /// What waits in the portal's queue
    #[command(subcommand)]
    Queue(QueueCommand),
    /// Which events the portal records for us
    #[command(subcommand)]
    Events(EventsCommand),
    /// Let a portal rest: nothing is drained until `resume`
    Pause(PauseArgs),
    /// Let a paused portal go on
    Resume(PauseArgs),
}

impl PortalsCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// One that [`super::exit::exit_of`] turns into the exit code.
    pub(super) async fn run(
        &self,
        global: &Global,
        world: &mut Surroundings,
    ) -> anyhow::Result<Exit> {
        let talks = matches!(self, Self::Queue(_) | Self::Events(_));
        let desk = desk(global, world, talks).await?;
        self.run_at(&desk, &mut world.out).await
    }

    /// Runs the command on the portals of `desk`.
    ///
    /// # Errors
    /// One that [`super::exit::exit_of`] turns into the exit code.
    pub async fn run_at(&self, desk: &Desk, out: &mut dyn Write) -> anyhow::Result<Exit> {
        match self {
            Self::Failures(command) => command.run(desk, out).await,
            Self::Queue(command) => command.run(desk, out).await,
            Self::Events(command) => command.run(desk, out).await,
            Self::Pause(args) => pause::pause(desk, args, out).await,
            Self::Resume(args) => pause::resume(desk, args, out).await,
        }
    }
}
