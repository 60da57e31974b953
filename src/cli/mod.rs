//! The commands, a file each. The only place that prints to standard output.

mod answered;
pub mod auth;
pub mod care;
mod change_list;
mod change_summary;
pub mod config;
mod csv;
pub mod desk;
pub mod doctor;
pub mod events;
pub mod exit;
pub mod failures;
pub mod generate;
pub mod history;
pub mod ignore;
pub mod logging;
pub mod names;
pub mod pause;
pub mod preview;
mod progress;
pub mod queue;
mod quoted;
mod report;
pub mod run;
pub mod status;
pub mod sweep;
mod text;
pub mod trust;
pub mod undo;
mod walk;
mod when;

use std::{path::PathBuf, sync::Arc};

use clap::{ArgAction, Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::SystemClock,
    config::{Config, Environment as _, PortalConfig, ProcessEnvironment},
    names::Settings,
    portal::Context,
    store::Store,
};
use exit::{Exit, Refusal};
use logging::LogFormat;

/// Where the configuration lies unless something else is said.
const DEFAULT_CONFIG: &str = "/etc/b24-tidyd/config.toml";

/// Says something else. An empty variable counts as none, as for all others.
const CONFIG_VARIABLE: &str = "B24_TIDYD_CONFIG";

/// Keeps contact names in Bitrix24 properly capitalised.
#[derive(Debug, Parser)]
#[command(name = "b24-tidyd", version, about, max_term_width = 100)]
pub struct Cli {
    /// The configuration file [env: B24_TIDYD_CONFIG] [default: /etc/b24-tidyd/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The portal that is meant; may be left out where one is configured
    #[arg(long, global = true, value_name = "NAME")]
    pub portal: Option<String>,
    /// The form of log lines
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
    /// Log more (twice: everything)
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Log warnings and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
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
    /// Watch, mend, configure
    #[command(flatten)]
    Care(care::CareCommand),
    /// Look before, see after, take it back
    #[command(flatten)]
    Trust(trust::TrustCommand),
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
        let verbosity = if self.quiet {
            -1
        } else {
            self.verbose.min(2) as i8
        };
        logging::start(self.log_format, verbosity);
        match self.dispatch().await {
            // Whoever reads us has seen enough, as in `status | head -1`.
            Err(error) if is_closed_pipe(&error) => Ok(Exit::Done),
            outcome => outcome,
        }
    }

    async fn dispatch(&self) -> anyhow::Result<Exit> {
        match &self.command {
            Command::Run(args) => run::run(self, args).await,
            Command::Auth(args) => auth::auth(self, args).await,
            Command::Care(command) => command.run(self).await,
            Command::Trust(command) => command.run(self).await,
            Command::Generate(command) => command.run(),
            Command::Names(args) => {
                let settings = self.names_settings()?;
                names::run(args, settings, std::io::stdin().lock(), std::io::stdout())?;
                Ok(Exit::Done)
            }
        }
    }

    /// The configuration file that is meant.
    fn config_file(&self) -> PathBuf {
        let named = || ProcessEnvironment.set(CONFIG_VARIABLE).map(PathBuf::from);
        let file = self.config.clone().or_else(named);
        file.unwrap_or_else(|| DEFAULT_CONFIG.into())
    }

    /// Reads the configuration with its secrets.
    fn configuration(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.config_file(), &ProcessEnvironment)?)
    }

    /// Reads the configuration as far as it can be read without its secrets.
    fn configuration_without_secrets(&self) -> anyhow::Result<Config> {
        Ok(Config::load_without_secrets(
            &self.config_file(),
            &ProcessEnvironment,
        )?)
    }

    /// The rules for names: those of the portal that `--portal` names, else the built-in ones, which
    /// need no configuration.
    fn names_settings(&self) -> anyhow::Result<Settings> {
        if self.portal.is_none() {
            return Ok(Settings::default());
        }
        let config = self.configuration_without_secrets()?;
        Ok(self.chosen(&config)?.names.clone())
    }

    /// The portal that `--portal` names, or the only one.
    fn chosen<'a>(&self, config: &'a Config) -> anyhow::Result<&'a PortalConfig> {
        match self.chosen_or_all(config)?.as_slice() {
            [one] => Ok(one),
            _ => Err(Refusal {
                exit: Exit::Usage,
                message: format!(
                    "several portals are configured; choose one with --portal ({})",
                    names_of(config)
                ),
            }
            .into()),
        }
    }

    /// The portal that `--portal` names, or all.
    fn chosen_or_all<'a>(&self, config: &'a Config) -> anyhow::Result<Vec<&'a PortalConfig>> {
        Ok(choose(config, self.portal.as_deref())?)
    }
}

/// The portal that is wanted, or all.
fn choose<'a>(config: &'a Config, wanted: Option<&str>) -> Result<Vec<&'a PortalConfig>, Refusal> {
    let Some(wanted) = wanted else {
        return Ok(config.portals.iter().collect());
    };
    let found = config.portals.iter().find(|portal| portal.name == wanted);
    found.map(|portal| vec![portal]).ok_or_else(|| Refusal {
        exit: Exit::Usage,
        message: format!(
            "no portal is called {wanted:?}; there are: {}",
            names_of(config)
        ),
    })
}

/// What came out counts, whatever became of the words about it: nobody may be reading them any more.
fn told(exit: Exit, written: std::io::Result<()>) -> anyhow::Result<Exit> {
    match written {
        Err(error) if exit != Exit::Done => {
            tracing::warn!(%error, "standard output cannot be written");
        }
        written => written?,
    }
    Ok(exit)
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let kind = cause
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind)
            .or_else(|| cause.downcast_ref::<serde_json::Error>()?.io_error_kind());
        kind == Some(std::io::ErrorKind::BrokenPipe)
    })
}

fn names_of(config: &Config) -> String {
    config
        .portals
        .iter()
        .map(|portal| portal.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// What everything that talks to portals needs, with the system's clock.
fn context(store: Store, stop: CancellationToken) -> Result<Context, Refusal> {
    Context::new(store, Arc::new(SystemClock), stop).map_err(|error| http_does_not_start(&error))
}

/// Nothing can be sent: it is the host's setup, which somebody has to complete.
fn http_does_not_start(error: &dyn std::error::Error) -> Refusal {
    let mut reasons = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        reasons.push(error.to_string());
        cause = error.source();
    }
    Refusal {
        exit: Exit::Configuration,
        message: format!(
            "HTTP does not start ({}); install ca-certificates, or name a file of certificates in \
             SSL_CERT_FILE",
            reasons.join(": ")
        ),
    }
}
