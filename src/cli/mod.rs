//! The commands, a file each. The only place that prints to standard output.

pub mod auth;
pub mod changes;
pub mod config;
pub mod desk;
pub mod doctor;
pub mod exit;
pub mod generate;
pub mod global;
pub mod logging;
pub mod names;
mod output;
pub mod portals;
pub mod run;
mod signals;
pub mod status;
mod text;

use clap::{Parser, Subcommand};

use crate::config::ProcessEnvironment;
use exit::Exit;
use global::Global;
use output::is_closed_pipe;

/// Keeps contact names in Bitrix24 properly capitalised.
#[derive(Debug, Parser)]
#[command(name = "b24-tidyd", version, about, max_term_width = 100)]
pub struct Cli {
    /// What every command understands
    #[command(flatten)]
    pub global: Global,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon, or drain every portal once
    Run(run::RunArgs),
    /// Authorise this program at a portal, or see and end that
    Auth(auth::AuthArgs),
    /// Show how the portals are doing
    Status(status::StatusArgs),
    /// Check every precondition, and say what to do about each that is not met
    Doctor(doctor::DoctorArgs),
    /// Portals and their queues: see, mend, pause
    #[command(flatten)]
    Portals(portals::PortalsCommand),
    /// What the configuration says, and what is wrong with it
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Changes of contacts: look before, see after, take them back
    #[command(flatten)]
    Changes(changes::ChangesCommand),
    /// Tidy names given as arguments or on standard input, and say why
    ///
    /// Each TEXT is one value and gives one line. Without TEXT, each line of standard input is a
    /// value. No configuration file is needed, unless --portal asks for the rules of one of its
    /// portals; nothing is sent anywhere.
    Names(names::NamesArgs),
    /// Write the manual and the shells' completions, for packaging
    #[command(subcommand, hide = true)]
    Generate(generate::GenerateCommand),
}

impl Cli {
    /// Starts logging and runs the command.
    ///
    /// # Errors
    /// One that [`exit::exit_of`] turns into the exit code.
    pub async fn run(self) -> anyhow::Result<Exit> {
        self.global.start_logging();
        match self.dispatch().await {
            // Whoever reads us has seen enough, as in `status | head -1`.
            Err(error) if is_closed_pipe(&error) => Ok(Exit::Done),
            outcome => outcome,
        }
    }

    async fn dispatch(&self) -> anyhow::Result<Exit> {
        let global = &self.global;
        match &self.command {
            Command::Run(args) => run::run(global, args).await,
            Command::Auth(args) => auth::auth(global, args).await,
            Command::Status(args) => status::status(global, args).await,
            Command::Doctor(args) => doctor::doctor(global, args).await,
            Command::Portals(command) => command.run(global).await,
            Command::Config(command) => {
                let file = global.config_file();
                command.run(&file, &ProcessEnvironment, &mut std::io::stdout())
            }
            Command::Changes(command) => command.run(global).await,
            Command::Generate(command) => command.run(),
            Command::Names(args) => {
                let settings = global.names_settings()?;
                names::run(args, settings, std::io::stdin().lock(), std::io::stdout())?;
                Ok(Exit::Done)
            }
        }
    }
}
