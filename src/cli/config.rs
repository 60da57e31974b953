//! `config`: what the configuration says, and what is wrong with it.

use std::{io::Write, path::Path};

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::{Exit, of_configuration};
use crate::config::{Config, Environment, Problem, Problems};

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
    // Whoever checks wants to hear of secrets, too, though each concerns its portals alone.
    let (config, problems) = match Config::load(file, env) {
        Ok(mut config) => {
            let problems = std::mem::take(&mut config.secret_problems);
            (Some(config), Problems(problems))
        }
        Err(problems) => (None, problems),
    };
    let remarks = config.iter().flat_map(|config| &config.remarks);
    if args.json {
        let shown = |problem: &Problem| {
            json!({"file": problem.file, "line": problem.line, "key": problem.key,
                "problem": problem.what, "remedy": problem.remedy})
        };
        let answer = json!({
            "ok": problems.0.is_empty(),
            "problems": problems.0.iter().map(shown).collect::<Vec<_>>(),
            "remarks": remarks.map(shown).collect::<Vec<_>>(),
        });
        serde_json::to_writer_pretty(&mut *out, &answer)?;
        writeln!(out)?;
        return Ok(match problems.0.is_empty() {
            true => Exit::Done,
            false => of_configuration(&problems),
        });
    }
    for remark in remarks {
        writeln!(out, "{remark}")?;
    }
    match config {
        Some(config) if problems.0.is_empty() => {
            let names: Vec<&str> = config.portals.iter().map(|it| it.name.as_str()).collect();
            let names = names.join(", ");
            writeln!(out, "{}: in order; portals: {names}", file.display())?;
            Ok(Exit::Done)
        }
        _ => Err(problems.into()),
    }
}
