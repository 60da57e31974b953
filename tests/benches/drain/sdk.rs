//! A script on the official Python SDK that does the same job, where Python is at hand.

use std::{path::PathBuf, process::Command};

use test_portal::Portal;

use crate::{edit, installed::Installed, measured::Measured, unlimited, usual, world::World};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// The Python that has the SDK; none where it cannot be had.
pub(crate) fn python() -> Option<PathBuf> {
    let mut script = Command::new("bash");
    let output = script
        .arg(format!("{FOLDER}/tests/conformance/sdk.sh"))
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| path.trim().into())
}

/// Requests and simulated seconds for so many events under the usual limits. They must fit the burst:
/// the script would sit out a refusal by the machine's clock, on which the portal does not go.
pub(crate) async fn under_limits(python: &PathBuf, contacts: u64) -> (u64, f64) {
    let world = World::with(usual).await.bound().await;
    edit(&world.portal, contacts);
    world.advance(60.0);
    let (start, before) = (world.clock_seconds(), world.portal.request_count());
    Measured::of(script(python, &world.portal)).await;
    assert_eq!(world.portal.queue(), []);
    let requests = world.portal.request_count() - before;
    (requests, world.clock_seconds() - start)
}

/// What the script itself takes where nothing limits it.
pub(crate) async fn without_limits(python: &PathBuf, contacts: u64) -> Measured {
    let installed = Installed::authorised(unlimited, "").await;
    Measured::run(&installed).await;
    edit(&installed.portal, contacts);
    let measured = Measured::of(script(python, &installed.portal)).await;
    assert_eq!(installed.portal.queue(), []);
    measured
}

fn script(python: &PathBuf, portal: &Portal) -> Command {
    let mut command = Command::new(python);
    command
        .arg(format!("{FOLDER}/tests/benches/drain/sdk.py"))
        .arg(portal.control_url());
    command
}
