//! `auth`: authorising this program at a portal, seeing that, and ending it.

mod admitted;
mod arrival;
pub mod forget;
pub mod import;
mod listen;
pub mod login;
pub mod status;

use std::io::{BufRead, IsTerminal, stderr, stdin, stdout};

use clap::{Args, Subcommand};

use super::{Cli, care::desk, exit::Exit};

/// Arguments of `auth`.
#[derive(Debug, Args)]
#[command(after_help = "Example: b24-tidyd --portal acme auth login")]
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
    /// Log in with a browser
    Login(login::LoginArgs),
    /// Show whose tokens are stored, and whether they may be used
    Status(status::StatusArgs),
    /// Remove a portal's tokens, and everything else that is stored about it
    Forget(forget::ForgetArgs),
}

/// Runs the action.
///
/// # Errors
/// Configuration, store, portal, or what was handed over.
pub(super) async fn auth(cli: &Cli, args: &AuthArgs) -> anyhow::Result<Exit> {
    match &args.action {
        AuthAction::Import(args) => import::run(cli, args).await,
        AuthAction::Login(args) => login::run(cli, args).await,
        AuthAction::Status(args) => {
            let desk = desk(cli, args.check).await?;
            status::status(&desk, args, cli.portal.is_none(), &mut stdout()).await
        }
        AuthAction::Forget(args) => {
            let mut answers = stdin().lock();
            let person = stdin()
                .is_terminal()
                .then_some(&mut answers as &mut dyn BufRead);
            forget::forget(
                &desk(cli, false).await?,
                args,
                person,
                &mut stdout(),
                &mut stderr(),
            )
            .await
        }
    }
}
