//! The commands that show how things are and help when something looks odd.

use std::{io::stdout, sync::Arc};

use clap::Subcommand;
use tokio_util::sync::CancellationToken;

use super::{
    Cli,
    config::ConfigCommand,
    desk::Desk,
    doctor::{self, DoctorArgs, Ground},
    events::EventsCommand,
    exit::Exit,
    failures::FailuresCommand,
    pause::{self, PauseArgs},
    queue::QueueCommand,
    run::stop_on_signals,
    status::{self, StatusArgs},
};
use crate::{clock::SystemClock, config::ProcessEnvironment};

/// Watch, mend, configure.
#[derive(Debug, Subcommand)]
pub enum CareCommand {
    /// Show how the portals are doing
    Status(StatusArgs),
    /// Check every precondition, and say what to do about each that is not met
    Doctor(DoctorArgs),
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
    /// What the configuration says, and what is wrong with it
    #[command(subcommand)]
    Config(ConfigCommand),
}

impl CareCommand {
    /// Runs the command with the process's own clock and output.
    ///
    /// # Errors
    /// One that [`super::exit::exit_of`] turns into the exit code.
    pub async fn run(&self, cli: &Cli) -> anyhow::Result<Exit> {
        let out = &mut stdout();
        match self {
            Self::Status(args) => {
                let status = async {
                    let desk = desk(cli, args.live).await?;
                    status::run(&desk, args, &mut *out).await
                };
                match status.await {
                    // A monitor takes every other code for a broken plugin.
                    Err(error) if args.check => status::unknown(&error, &mut stdout()),
                    other => other,
                }
            }
            Self::Doctor(args) => {
                let stop = CancellationToken::new();
                stop_on_signals(stop.clone())?;
                let file = cli.config_file();
                let ground = Ground {
                    file: &file,
                    env: &ProcessEnvironment,
                    portal: cli.portal.as_deref(),
                    clock: Arc::new(SystemClock),
                    stop,
                };
                doctor::run(&ground, args, out).await
            }
            Self::Failures(command) => command.run(&desk(cli, false).await?, out).await,
            Self::Queue(command) => command.run(&desk(cli, true).await?, out).await,
            Self::Events(command) => command.run(&desk(cli, true).await?, out).await,
            Self::Pause(args) => pause::pause(&desk(cli, false).await?, args, out).await,
            Self::Resume(args) => pause::resume(&desk(cli, false).await?, args, out).await,
            Self::Config(command) => command.run(&cli.config_file(), &ProcessEnvironment, out),
        }
    }
}

/// What a command works with. One that `talks` to portals may have to renew tokens: it needs the
/// secrets, and is not interrupted in the middle of that.
pub(super) async fn desk(cli: &Cli, talks: bool) -> anyhow::Result<Desk> {
    let stop = CancellationToken::new();
    let config = if talks {
        stop_on_signals(stop.clone())?;
        cli.configuration()?
    } else {
        cli.configuration_without_secrets()?
    };
    let portals = cli.chosen_or_all(&config)?.into_iter().cloned().collect();
    Ok(Desk::open(portals, config.store, Arc::new(SystemClock), stop).await?)
}
