//! Commands as they are typed, run on a world.

use b24_tidyd::cli::{Cli, Command, care::CareCommand, exit::Exit, pause, status};
use clap::Parser;

use crate::world::World;

/// Runs a command, and answers how it ended and what it said, with whatever differs from run to run
/// made equal.
pub(crate) async fn outcome(world: &World, line: &[&str]) -> anyhow::Result<(Exit, String)> {
    let desk = world.desk();
    let out = &mut Vec::new();
    let exit = match parsed(line) {
        CareCommand::Status(args) => status::run(&desk, &args, out).await?,
        CareCommand::Failures(command) => command.run(&desk, out)?,
        CareCommand::Queue(command) => command.run(&desk, out).await?,
        CareCommand::Events(command) => command.run(&desk, out).await?,
        CareCommand::Pause(args) => pause::pause(&desk, &args, out)?,
        CareCommand::Resume(args) => pause::resume(&desk, &args, out)?,
        CareCommand::Config(_) => panic!("works on no world: {line:?}"),
    };
    let text = String::from_utf8(std::mem::take(out)).unwrap();
    let text = text
        .replace(&world.portal.url(), "http://acme")
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
pub(crate) fn parsed(line: &[&str]) -> CareCommand {
    let cli = Cli::try_parse_from([&["b24-tidyd"], line].concat()).unwrap();
    match cli.command {
        Command::Care(command) => command,
        other => panic!("no such command here: {other:?}"),
    }
}
