//! `auth`: authorising this program at a portal, seeing that, and ending it.

mod admitted;
pub mod import;

use clap::{Args, Subcommand};

use super::{Cli, exit::Exit};

/// Arguments of `auth`.
#[derive(Debug, Args)]
pub struct AuthArgs {
    /// What to do
    #[command(subcommand)]
    pub action: AuthAction,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum AuthAction {
    /// Take over a pair of tokens from a file
    Import(import::ImportArgs),
}

/// Runs the action.
///
/// # Errors
/// Configuration, store, portal, or what was handed over.
pub(super) async fn auth(cli: &Cli, args: &AuthArgs) -> anyhow::Result<Exit> {
    match &args.action {
        AuthAction::Import(args) => import::run(cli, args).await,
    }
}
