//! What every command understands: which configuration and which of its portals are meant, and how
//! to log.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::{
    exit::{Exit, Refusal},
    logging::{self, LogFormat},
    surroundings::Surroundings,
};
use crate::{
    config::{Config, PortalConfig},
    names::Settings,
};

/// Where the configuration lies unless something else is said.
const DEFAULT_CONFIG: &str = "/etc/b24-tidyd/config.toml";

/// Says something else. An empty variable counts as none, as for all others.
const CONFIG_VARIABLE: &str = "B24_TIDYD_CONFIG";

/// What every command understands.
#[derive(Debug, Args)]
pub struct Global {
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
}

impl Global {
    /// Starts logging, as it is asked for.
    pub(super) fn start_logging(&self, world: &Surroundings) {
        if !world.logs {
            return;
        }
        let verbosity = if self.quiet {
            -1
        } else {
            self.verbose.min(2) as i8
        };
        logging::start(self.log_format, verbosity, &*world.env);
    }

    /// The configuration file that is meant.
    pub(super) fn config_file(&self, world: &Surroundings) -> PathBuf {
        let named = || world.env.set(CONFIG_VARIABLE).map(PathBuf::from);
        let file = self.config.clone().or_else(named);
        file.unwrap_or_else(|| DEFAULT_CONFIG.into())
    }

    /// Reads the configuration with its secrets.
    pub(super) fn configuration(&self, world: &Surroundings) -> anyhow::Result<Config> {
        Ok(Config::load(&self.config_file(world), &*world.env)?)
    }

    /// Reads the configuration as far as it can be read without its secrets.
    pub(super) fn configuration_without_secrets(
        &self,
        world: &Surroundings,
    ) -> anyhow::Result<Config> {
        let file = self.config_file(world);
        Ok(Config::load_without_secrets(&file, &*world.env)?)
    }

    /// The rules for names: those of the portal that `--portal` names, else the built-in ones, which
    /// need no configuration.
    pub(super) fn names_settings(&self, world: &Surroundings) -> anyhow::Result<Settings> {
        if self.portal.is_none() {
            return Ok(Settings::default());
        }
        let config = self.configuration_without_secrets(world)?;
        Ok(self.chosen(&config)?.names.clone())
    }

    /// The portal that `--portal` names, or the only one.
    pub(super) fn chosen<'a>(&self, config: &'a Config) -> anyhow::Result<&'a PortalConfig> {
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
    pub(super) fn chosen_or_all<'a>(
        &self,
        config: &'a Config,
    ) -> anyhow::Result<Vec<&'a PortalConfig>> {
        Ok(choose(config, self.portal.as_deref())?)
    }
}

/// The portal that is wanted, or all.
pub(super) fn choose<'a>(
    config: &'a Config,
    wanted: Option<&str>,
) -> Result<Vec<&'a PortalConfig>, Refusal> {
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

fn names_of(config: &Config) -> String {
    config
        .portals
        .iter()
        .map(|portal| portal.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
