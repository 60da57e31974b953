//! `auth`: authorising this program at a portal, seeing that, and ending it.

mod admitted;
mod arrival;
pub mod forget;
pub mod import;
mod listen;
pub mod login;
mod offer;
pub mod status;

use std::io::BufRead;

use clap::{Args, Subcommand};

use super::{desk::desk, exit::Exit, global::Global, surroundings::Surroundings};

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
pub(super) async fn auth(
    global: &Global,
    world: &mut Surroundings,
    args: &AuthArgs,
) -> anyhow::Result<Exit> {
    match &args.action {
        AuthAction::Import(args) => import::run(global, world, args).await,
        AuthAction::Login(args) => login::run(global, world, args).await,
        AuthAction::Status(args) => {
            let desk = desk(global, world, args.check).await?;
            status::status(&desk, args, global.portal.is_none(), &mut world.out).await
        }
        AuthAction::Forget(args) => {
            let desk = desk(global, world, false).await?;
            let person = match world.input_is_terminal {
                true => Some(&mut *world.input as &mut dyn BufRead),
                false => None,
            };
            forget::forget(&desk, args, person, &mut world.out, &mut world.err).await
        }
    }
}
