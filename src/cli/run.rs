//! `run`: the daemon, and its one-shot form.

pub(super) mod progress;

use std::{convert::Infallible, io::Write, time::Duration};

use clap::Args;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    desk::open_to_drain,
    exit::{Exit, of_reports},
    global::Global,
    surroundings::Surroundings,
    text,
};
use crate::{
    clock::after,
    config::{Config, PortalConfig, Problem, Problems},
    drain::Outcome,
    service::{self, Daemon, Ending, Notifier, ONE_SHOT, PortalReport, Reread},
    store::StoreFault,
};

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "Example: b24-tidyd --config ./config.toml run --once --max-wait 2m")]
pub struct RunArgs {
    /// Drain every portal until its queue is empty, then exit
    #[arg(long)]
    once: bool,
    /// With --once: how long to wait where a limit or a retry demands it
    #[arg(long, default_value = "60s", value_parser = text::duration, value_name = "DURATION")]
    max_wait: Duration,
}

/// Runs the daemon until a signal, or drains once.
///
/// # Errors
/// Configuration, store, or the drain lock.
pub(super) async fn run(
    global: &Global,
    world: &mut Surroundings,
    args: &RunArgs,
) -> anyhow::Result<Exit> {
    let stop = world.stop()?;
    if !args.once {
        return daemon(global, world, stop).await;
    }
    let reports = drain_once(global, world, args.max_wait, stop).await?;
    for report in &reports {
        writeln!(world.out, "{}", line(report))?;
    }
    Ok(of_reports(&reports))
}

async fn drain_once(
    global: &Global,
    world: &Surroundings,
    max_wait: Duration,
    stop: CancellationToken,
) -> anyhow::Result<Vec<PortalReport>> {
    let config = read(global, world)?;
    let portals = config.portals.clone();
    let opened = open_to_drain(&config.store, ONE_SHOT, world.clock.clone(), stop).await;
    let (context, _lock) = match opened {
        // The first import makes the state file: nobody has authorised anything yet.
        Err(error) if matches!(error.downcast_ref(), Some(StoreFault::Missing(_))) => {
            tracing::warn!("{error}");
            let now = world.clock.now();
            return Ok(service::without_store(&config, &portals, now).await);
        }
        opened => opened?,
    };
    let watcher = progress::watcher(world);
    Ok(service::drain_all_once(&context, &config, portals, max_wait, &watcher).await)
}

async fn daemon(
    global: &Global,
    world: &Surroundings,
    stop: CancellationToken,
) -> anyhow::Result<Exit> {
    // Caught from the start on: a reload that comes early must not end the process.
    let reloads = world.signals.reloads()?;
    let config = read_for_daemon(global, world)?;
    let known = config.clone();
    let (send, rereads) = mpsc::channel(1);
    let (opening, clock) = (stop.clone(), world.clock.clone());
    let daemon = Daemon {
        clock: world.clock.clone(),
        stop,
        notifier: Notifier::systemd(),
        open: Box::new(move |path| {
            let (clock, stop) = (clock.clone(), opening.clone());
            Box::pin(async move { open_to_drain(&path, "b24-tidyd run", clock, stop).await })
        }),
        rereads,
        ticker: (world.ticker)(),
    };
    tokio::select! {
        biased;
        served = daemon.serve(config) => served?,
        never = reread(global, world, known, reloads, send) => match never {},
    }
    Ok(Exit::Done)
}

/// The configuration, with the portals that are meant.
///
/// # Errors
/// Also where not one of them has its secret: then nothing is started.
fn read(global: &Global, world: &Surroundings) -> anyhow::Result<Config> {
    let mut config = global.configuration(world)?;
    config.portals = global
        .chosen_or_all(&config)?
        .into_iter()
        .cloned()
        .collect();
    let problems = config.portals.iter().map(|it| it.secret_problem.as_ref());
    let problems: Vec<&Problem> = problems.flatten().collect();
    if problems.len() == config.portals.len() {
        let secrets = config.secret_problems.iter();
        let of_these = secrets.filter(|problem| problems.contains(problem));
        return Err(Problems(of_these.cloned().collect()).into());
    }
    for portal in &config.portals {
        if let Some(problem) = &portal.secret_problem {
            tracing::error!(portal = portal.name, "cannot work: {problem}");
        }
    }
    Ok(config)
}

/// The same for a daemon, which tells what is odd about it. A portal without its secret is a condition.
fn read_for_daemon(global: &Global, world: &Surroundings) -> anyhow::Result<Config> {
    let config = read(global, world)?;
    for remark in &config.remarks {
        tracing::warn!("{remark}");
    }
    Ok(config)
}

/// How often it is looked whether a client secret has changed, in seconds.
const BETWEEN_LOOKS: f64 = 10.0;

/// Reads the configuration again whenever that is asked for, and the secrets of the one that is `known`
/// where they have changed.
async fn reread(
    global: &Global,
    world: &Surroundings,
    mut known: Config,
    mut reloads: mpsc::Receiver<()>,
    send: mpsc::Sender<Reread>,
) -> Infallible {
    loop {
        let look = after(world.clock.now(), BETWEEN_LOOKS);
        let reread = tokio::select! {
            biased;
            asked = reloads.recv() => match asked {
                Some(()) => read_for_daemon(global, world).map_err(|error| {
                    let text = format!("{error:#}");
                    text.lines().map(str::to_owned).collect()
                }),
                None => break,
            },
            () = world.clock.alarm_at(look) => match with_new_secrets(global, world, &known) {
                Some(renewed) => {
                    tracing::info!("a client secret has changed");
                    Ok(renewed)
                }
                None => continue,
            },
        };
        if let Ok(config) = &reread {
            known = config.clone();
        }
        if send.send(reread).await.is_err() {
            break;
        }
    }
    // The daemon is on its way out.
    std::future::pending().await
}

/// The same configuration with the secrets as they are now; none where they are the same.
fn with_new_secrets(global: &Global, world: &Surroundings, known: &Config) -> Option<Config> {
    let found = global.configuration(world).ok()?;
    let mut renewed = known.clone();
    let mut changed = false;
    for portal in &mut renewed.portals {
        let same = |it: &&PortalConfig| it.name == portal.name && it.client_id == portal.client_id;
        if let Some(found) = found.portals.iter().find(same) {
            changed |= portal.take_secret_of(found);
        }
    }
    changed.then_some(renewed)
}

/// One line for people: what was done, and what is left.
fn line(report: &PortalReport) -> String {
    let totals = report.totals;
    let done = format!(
        "{}: {} events, {} contacts changed, {} requests",
        report.name, totals.events, totals.changed, totals.requests
    );
    let parked = match report.parked {
        0 => String::new(),
        parked => format!(", {parked} refused by the portal (see `b24-tidyd status`)"),
    };
    let ending = match &report.ending {
        Ending::NoSecret(problems) => problems.to_string(),
        Ending::NoTokens => {
            let login = text::typed(&report.name, "auth login");
            format!("no tokens; run {login} or `auth import`")
        }
        Ending::Failed(failure) => failure.to_string(),
        Ending::Ended(Outcome::WorkLeft { until, why }) => {
            format!("work left: {why}; again at {until:.0}")
        }
        Ending::Ended(outcome) => outcome.as_str().to_owned(),
    };
    format!("{done}{parked}: {ending}")
}
