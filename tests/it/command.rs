//! Commands as they are typed, run on a world.

use std::ffi::OsString;

use b24_tidyd::{
    cli::{
        Cli, Command,
        doctor::{self, Ground},
        exit::Exit,
        status,
    },
    config::Environment,
};
use clap::Parser;

use crate::world::World;

/// No variable is set.
struct NoEnvironment;

impl Environment for NoEnvironment {
    fn var(&self, _: &str) -> Option<OsString> {
        None
    }
}

/// Runs a command, and answers how it ended and what it said, with whatever differs from run to run
/// made equal.
pub(crate) async fn outcome(world: &World, line: &[&str]) -> anyhow::Result<(Exit, String)> {
    let desk = world.desk();
    let out = &mut Vec::new();
    let exit = match parsed(line) {
        Command::Status(args) => status::run(&desk, &args, out).await?,
        Command::Portals(command) => command.run_at(&desk, out).await?,
        Command::Doctor(args) => {
            let file = world.config_file();
            let ground = Ground {
                file: &file,
                env: &NoEnvironment,
                portal: None,
                clock: world.context.clock.clone(),
                stop: world.context.stop.clone(),
            };
            doctor::run(&ground, &args, out).await?
        }
        other => panic!("works on no world: {other:?}"),
    };
    let text = String::from_utf8(std::mem::take(out)).unwrap();
    let text = text
        .replace(&world.portal.url(), "http://acme")
        .replace(world.portal.url().trim_start_matches("http://"), "acme")
        .replace(
            world.portal.oauth_url().trim_start_matches("http://"),
            "oauth",
        )
        .replace(world.folder.path().to_str().unwrap(), "/folder")
        .replace(&world.portal.member_id(), "m1");
    Ok((exit, text))
}

/// What a command says that ends well.
pub(crate) async fn said(world: &World, line: &[&str]) -> String {
    let (exit, text) = outcome(world, line).await.unwrap();
    assert_eq!(exit, Exit::Done, "{text}");
    if !line.contains(&"--json") {
        for line in text.lines() {
            assert!(
                line.chars().count() <= 80,
                "too long for a terminal: {line}"
            );
        }
    }
    text
}

/// The command that a command line means.
pub(crate) fn parsed(line: &[&str]) -> Command {
    let cli = Cli::try_parse_from([&["b24-tidyd"], line].concat());
    cli.unwrap().command
}
