//! The systemd programs of this machine.

use std::process::Command;

/// A program, ready for its arguments.
///
/// `None`, and a line that says so, on a machine without systemd; an error where `CI` is set,
/// because nothing else guards the units there.
pub(crate) fn tool(name: &str) -> Option<Command> {
    let found = Command::new(name).arg("--version").output().is_ok();
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{name} is missing");
        println!("skipped: {name} is missing");
    }
    found.then(|| Command::new(name))
}

/// systemd's major version, from `systemd 252 (252.38-1~deb12u1)`.
pub(super) fn major_version() -> Option<u32> {
    let output = tool("systemd-analyze")?.arg("--version").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let number: String = said
        .trim_start_matches("systemd ")
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    Some(number.parse().unwrap())
}
