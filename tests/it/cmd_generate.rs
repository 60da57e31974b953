//! `generate`, and the definitions of the commands themselves.

use std::{fs, path::Path, process::Command};

use b24_tidyd::cli::Cli;
use clap::CommandFactory;
use tempfile::TempDir;

#[test]
fn the_definitions_are_sound() {
    Cli::command().debug_assert();
}

/// Every command that people may type says how with an example, or the command above it does.
#[test]
fn every_command_has_an_example() {
    fn without_example(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        let help = command.get_after_help().map(ToString::to_string);
        if help.is_some_and(|help| help.contains("Example")) {
            return;
        }
        if !command.has_subcommands() {
            found.push(path.to_owned());
        }
        for inner in command.get_subcommands() {
            without_example(inner, &format!("{path} {}", inner.get_name()), found);
        }
    }
    let mut found = Vec::new();
    without_example(&Cli::command(), "b24-tidyd", &mut found);
    assert_eq!(found, [] as [String; 0]);
}

fn generate(what: &str, folder: &Path) {
    let status = Command::new(env!("CARGO_BIN_EXE_b24-tidyd"))
        .args(["generate", what])
        .arg(folder)
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn packaging_finds_what_it_ships() {
    let folder = TempDir::new().unwrap();
    generate("man", folder.path());
    generate("completions", folder.path());
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    for (name, word) in [
        ("b24-tidyd.1", "b24\\-tidyd\\-status"),
        ("b24-tidyd-status.1", "warning\\-age"),
        ("b24-tidyd-failures-retry.1", "retry"),
        ("b24-tidyd.bash", "--config"),
        ("_b24-tidyd", "--config"),
        ("b24-tidyd.fish", "config"),
    ] {
        assert!(text(name).contains(word), "{name} says nothing of {word}");
    }
    for name in ["b24-tidyd.bash", "_b24-tidyd", "b24-tidyd.fish"] {
        assert!(
            !text(name).contains("generate"),
            "{name} offers what is hidden"
        );
    }
    assert!(
        !folder.path().join("b24-tidyd-generate.1").exists(),
        "a hidden command has no manual"
    );
}
