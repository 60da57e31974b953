//! The commands, a file each. The only place that prints to standard output.
//!
//! | part | what it is |
//! | --- | --- |
//! | `run`, `auth`, `status`, `doctor`, `config`, `names`, `generate` | the commands of these names |
//! | `portals` | what a person sees of a portal, and does to it: `queue`, `events`, `failures`, `pause` |
//! | `changes` | what a person sees of changes: `preview`, `sweep`, `history`, `undo`, `ignore` |
//! | `text` | columns, lengths, moments, CSV: how things are written for people, and read from them |
//! | `global` | the options that all commands understand |
//! | `surroundings`, `output`, `signals` | what a command has of the world around it |
//! | `desk` | what a command works with: its portals, the state file |
//! | `exit`, `logging` | how a command ends, and what is said on the way |

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
pub mod output;
pub mod portals;
pub mod run;
pub mod signals;
pub mod status;
pub mod surroundings;
mod text;

use std::{ffi::OsString, io::Write as _};

use clap::{Parser, Subcommand};

use exit::{Exit, exit_of};
use global::Global;
use output::Unread;
use surroundings::Surroundings;

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

/// Runs the command that the arguments name, from them to its exit code. The first argument is the name
/// of the program.
pub async fn run<I>(arguments: I, world: &mut Surroundings) -> Exit
where
    I: IntoIterator<Item: Into<OsString> + Clone>,
{
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        // Help and version are answers, not errors.
        Err(error) if error.use_stderr() => {
            let text = error.render();
            let _ = match world.err_is_terminal {
                true => write!(world.err, "{}", text.ansi()),
                false => write!(world.err, "{text}"),
            };
            return Exit::Usage;
        }
        Err(answer) => {
            let written = write!(world.out, "{}", answer.render());
            let outcome = written.map(|()| Exit::Done).map_err(Into::into);
            return world.out.judge(outcome).unwrap_or(Exit::Internal);
        }
    };
    let outcome = cli.dispatch(world).await;
    match world.out.judge(outcome) {
        Ok(exit) => exit,
        Err(error) => {
            logging::report(cli.global.log_format, &error, world);
            exit_of(&error)
        }
    }
}

impl Cli {
    async fn dispatch(&self, world: &mut Surroundings) -> anyhow::Result<Exit> {
        let global = &self.global;
        global.start_logging(world);
        match &self.command {
            Command::Run(args) => run::run(global, world, args).await,
            Command::Auth(args) => auth::auth(global, world, args).await,
            Command::Status(args) => status::status(global, world, args).await,
            Command::Doctor(args) => doctor::doctor(global, world, args).await,
            Command::Portals(command) => command.run(global, world).await,
            Command::Config(command) => {
                let file = global.config_file(world);
                command.run(&file, &*world.env, &mut world.out)
            }
            Command::Changes(command) => command.run(global, world).await,
            Command::Generate(command) => command.run(),
            Command::Names(args) => {
                let settings = global.names_settings(world)?;
                world.out.where_unread(Unread::End);
                names::run(args, settings, &mut world.input, &mut world.out)?;
                Ok(Exit::Done)
            }
        }
    }
}
