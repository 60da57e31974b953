//! `generate`: the manual and the shells' completions, from the definitions of the commands.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Command, CommandFactory, Subcommand};
use clap_complete::Shell;

use super::{Cli, exit::Exit};

/// What to generate. For packaging.
#[derive(Debug, Clone, Subcommand)]
pub enum GenerateCommand {
    /// Write the manual pages, one for each command
    Man(GenerateArgs),
    /// Write the completions for bash, zsh and fish
    Completions(GenerateArgs),
}

/// Arguments of `generate man` and `generate completions`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: b24-tidyd generate man target/package/man")]
pub struct GenerateArgs {
    /// The folder to write into; it must exist
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

impl GenerateCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn run(&self) -> anyhow::Result<Exit> {
        match self {
            Self::Man(args) => man(&args.folder),
            Self::Completions(args) => completions(&args.folder),
        }
    }
}

fn man(folder: &Path) -> anyhow::Result<Exit> {
    let unwritable = || format!("{} cannot be written", folder.display());
    clap_mangen::generate_to(Cli::command(), folder).with_context(unwritable)?;
    Ok(Exit::Done)
}

fn completions(folder: &Path) -> anyhow::Result<Exit> {
    let unwritable = || format!("{} cannot be written", folder.display());
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut offered(), "b24-tidyd", folder)
            .with_context(unwritable)?;
    }
    Ok(Exit::Done)
}

/// The commands that people are told of: shells offer what they are given, hidden or not.
fn offered() -> Command {
    let all = Cli::command();
    let told_of = all
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    Command::new("b24-tidyd")
        .version(env!("CARGO_PKG_VERSION"))
        .args(all.get_arguments().cloned())
        .subcommands(told_of.cloned().collect::<Vec<_>>())
}
