//! Whole commands in surroundings that are passed in, from their arguments to their exit code.

use std::{
    io::{Cursor, Write},
    sync::{Arc, Mutex},
};

use b24_tidyd::{
    cli::{self, exit::Exit, output::Output, signals::Signals, surroundings::Surroundings},
    config::Environment,
    service::CronTicker,
};
use jiff::tz::TimeZone;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::world::World;

/// What was written, for whoever looks later.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Nobody signals anything.
struct Silence;

impl Signals for Silence {
    fn stop(&self, _: &CancellationToken) -> anyhow::Result<()> {
        Ok(())
    }

    fn reloads(&self) -> anyhow::Result<mpsc::Receiver<()>> {
        Ok(mpsc::channel(1).1)
    }
}

/// The configuration is named by a variable.
struct Variables(std::path::PathBuf);

impl Environment for Variables {
    fn var(&self, name: &str) -> Option<std::ffi::OsString> {
        (name == "B24_TIDYD_CONFIG").then(|| self.0.clone().into())
    }
}

/// Runs a command: how it ended, what it answered, and what else it said.
async fn run(world: &World, input: &str, line: &str) -> (Exit, String, String) {
    let (out, err) = (Kept::default(), Kept::default());
    let mut surroundings = Surroundings {
        clock: world.context.clock.clone(),
        zone: TimeZone::fixed(jiff::tz::offset(2)),
        env: Arc::new(Variables(world.config_file())),
        input: Box::new(Cursor::new(input.to_owned().into_bytes())),
        input_is_terminal: false,
        out: Output::new(out.clone()),
        err: Output::new(err.clone()),
        err_is_terminal: false,
        signals: Arc::new(Silence),
        ticker: Arc::new(|| Box::new(CronTicker::default())),
        logs: false,
    };
    let words = std::iter::once("b24-tidyd").chain(line.split_whitespace());
    let exit = cli::run(words, &mut surroundings).await;
    (exit, out.text(), err.text())
}

#[tokio::test]
async fn commands_live_in_the_world_they_are_given() {
    let world = World::new().await.bound().await;
    let id = world.portal.add_contact("anna", "", "SMITH");
    world.advance(5.0);
    let (exit, out, err) = run(&world, "", "run --once").await;
    assert_eq!((exit, err.as_str()), (Exit::Done, ""), "{out}");
    assert!(
        out.starts_with("acme: 1 events, 1 contacts changed"),
        "{out}"
    );
    assert_eq!(world.names(id), ["Anna", "", "Smith"]);

    let (exit, out, _) = run(&world, "", "history --csv").await;
    assert_eq!(exit, Exit::Done);
    assert!(
        out.contains("2026-01-05T07:00:0"),
        "the clock is ours: {out}"
    );

    // Ten in the morning here is eight in the morning there.
    let (exit, out, err) = run(&world, "", "history --since 2026-01-05T10:00 --json").await;
    assert_eq!((exit, out.as_str()), (Exit::Done, ""));
    assert!(err.contains("2026-01-05T08:00:00Z"), "{err}");
    let (_, out, _) = run(&world, "", "history --since 2026-01-05T08:30 --json").await;
    assert_eq!(out.lines().count(), 2, "{out}");

    let (exit, out, _) = run(&world, "jOHN\nANNA", "names").await;
    assert_eq!((exit, out.as_str()), (Exit::Done, "John\nAnna"));
    let (exit, out, err) = run(&world, "", "no-such-command").await;
    assert_eq!((exit, out.as_str()), (Exit::Usage, ""));
    assert!(err.contains("no-such-command"), "{err}");
    let (exit, _, err) = run(&world, "", "--portal beta status").await;
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("no portal is called"), "{err}");
}

/// A mistyped address must not hide that there are tokens.
#[tokio::test]
async fn tokens_of_an_address_that_nobody_configures_are_named() {
    let world = World::new().await;
    let file = world.config_file();
    let text = std::fs::read_to_string(&file).unwrap();
    let mistyped = text.replace(&world.portal.url(), "http://127.0.0.1:1");
    std::fs::write(&file, mistyped).unwrap();
    let (exit, _, err) = run(&world, "", "queue list").await;
    assert_eq!(exit, Exit::NotAuthorised, "{err}");
    let (_, out, _) = run(&world, "", "queue list").await;
    assert!(
        out.contains("There are tokens for") && out.contains("mistyped?"),
        "{out}"
    );
    let (_, out, _) = run(&world, "", "auth status").await;
    assert!(out.contains("also stored, but not configured"), "{out}");
}

/// One portal without its secret keeps no other from working.
#[tokio::test]
async fn a_missing_secret_ends_its_portal_alone() {
    let world = World::new().await.bound().await;
    let id = world.portal.add_contact("anna", "", "SMITH");
    world.advance(5.0);
    let file = world.config_file();
    let text = std::fs::read_to_string(&file).unwrap();
    let beta = "[[portal]]\nname = \"beta\"\nurl = \"https://beta.example\"\nclient_secret_file = \"missing\"\n";
    std::fs::write(&file, text + beta).unwrap();
    let (exit, out, _) = run(&world, "", "run --once").await;
    assert_eq!(exit, Exit::Configuration, "{out}");
    assert!(out.lines().next().unwrap().ends_with("done"), "{out}");
    assert!(
        out.lines().nth(1).unwrap().contains("client_secret_file"),
        "{out}"
    );
    assert_eq!(world.names(id), ["Anna", "", "Smith"]);
    let (exit, out, _) = run(&world, "", "config check --json").await;
    assert_eq!(exit, Exit::Configuration);
    assert!(out.contains("portal.beta.client_secret_file"), "{out}");
}
