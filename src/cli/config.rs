//! `config`: what the configuration says, and what is wrong with it.

use std::{io::Write, path::Path};

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::Exit;
use crate::config::{Config, Environment, Problems};

/// What to do with the configuration.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Show what takes effect, defaults included and secrets hidden
    Show(ConfigArgs),
    /// Say whether the configuration can be used; exit code 78 where not
    Check(ConfigArgs),
}

/// Arguments of `config show` and `config check`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  b24-tidyd config show --json | jq '.portal[].names.language'
  b24-tidyd --config ./new.toml config check")]
pub struct ConfigArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

impl ConfigCommand {
    /// Runs the command on the configuration in `file`.
    ///
    /// # Errors
    /// The problems of the configuration.
    pub fn run(
        &self,
        file: &Path,
        env: &dyn Environment,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        match self {
            Self::Show(args) => show(file, env, args, out),
            Self::Check(args) => check(file, env, args, out),
        }
    }
}

fn show(
    file: &Path,
    env: &dyn Environment,
    args: &ConfigArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    // Whoever may not read the secrets can still see everything else.
    let config = Config::load(file, env).or_else(|_| Config::load_without_secrets(file, env))?;
    let effective = config.describe();
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &effective)?;
        writeln!(out)?;
    } else {
        write!(out, "{effective}")?;
    }
    Ok(Exit::Done)
}

fn check(
    file: &Path,
    env: &dyn Environment,
    args: &ConfigArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let outcome = Config::load(file, env);
    if args.json {
        let problems = match &outcome {
            Ok(_) => &[],
            Err(Problems(problems)) => problems.as_slice(),
        };
        let problems = problems.iter().map(|problem| {
            json!({"file": problem.file, "line": problem.line, "key": problem.key,
                "problem": problem.what, "remedy": problem.remedy})
        });
        let problems: Vec<_> = problems.collect();
        let answer = json!({"ok": outcome.is_ok(), "problems": problems});
        serde_json::to_writer_pretty(&mut *out, &answer)?;
        writeln!(out)?;
        return Ok(if outcome.is_ok() {
            Exit::Done
        } else {
            Exit::Configuration
        });
    }
    let config = outcome?;
    let names: Vec<&str> = config.portals.iter().map(|it| it.name.as_str()).collect();
    writeln!(
        out,
        "{}: in order; portals: {}",
        file.display(),
        names.join(", ")
    )?;
    Ok(Exit::Done)
}
