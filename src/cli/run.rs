//! `run`: the daemon, and its one-shot form.

use std::{convert::Infallible, io::Write, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::Args;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{
    Cli, context,
    exit::{Exit, Refusal, of_reports},
    progress, told,
};
use crate::{
    clock::SystemClock,
    config::Config,
    drain::Outcome,
    portal::Context,
    service::{self, Daemon, Ending, Notifier, PortalReport, Reread},
    store::{Lock, Store, StoreFault},
};

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "Example: b24-tidyd --config ./config.toml run --once --max-wait 2m")]
pub struct RunArgs {
    /// Drain every portal until its queue is empty, then exit
    #[arg(long)]
    once: bool,
    /// With --once: how long to wait where a limit or a retry demands it
    #[arg(long, default_value = "60s", value_parser = duration, value_name = "DURATION")]
    max_wait: Duration,
}

/// Reads `90`, `90s`, `2m`, `1h 30m` and the like.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a duration such as 90s, 2m or 1h".to_owned();
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(span).map_err(|_| wrong())
}

/// Runs the daemon until a signal, or drains once.
///
/// # Errors
/// Configuration, store, or the drain lock.
pub async fn run(cli: &Cli, args: &RunArgs) -> anyhow::Result<Exit> {
    let stop = CancellationToken::new();
    stop_on_signals(stop.clone())?;
    if !args.once {
        return daemon(cli, stop).await;
    }
    let reports = drain_once(cli, args.max_wait, stop).await?;
    let mut lines = String::new();
    for report in &reports {
        lines += &line(report);
        lines.push('\n');
    }
    let written = std::io::stdout().lock().write_all(lines.as_bytes());
    told(of_reports(&reports), written)
}

async fn drain_once(
    cli: &Cli,
    max_wait: Duration,
    stop: CancellationToken,
) -> anyhow::Result<Vec<PortalReport>> {
    let config = cli.configuration()?;
    let portals = cli.chosen_or_all(&config)?;
    let opened = open(&config.store, "b24-tidyd run --once", stop).await;
    let (context, _lock) = match opened {
        // The first import makes the state file: nobody has authorised anything yet.
        Err(error) if matches!(error.downcast_ref(), Some(StoreFault::Missing(_))) => {
            tracing::warn!("{error}");
            let portals = portals.into_iter();
            let reports = portals.map(|portal| PortalReport::without_tokens(&portal.name));
            return Ok(reports.collect());
        }
        opened => opened?,
    };
    let portals = portals.into_iter().cloned().collect();
    let watcher = progress::watcher();
    let reports = service::drain_all_once(&context, &config, portals, max_wait, &watcher).await;
    progress::end();
    Ok(reports)
}

/// Opens the state file for draining: whole, and by nobody else at the same time.
pub(super) async fn open(
    path: &Path,
    who: &str,
    stop: CancellationToken,
) -> anyhow::Result<(Context, Lock)> {
    let store = Store::open(path).await?;
    let lock = store.lock_drain(who)?.map_err(|holder| Refusal {
        exit: Exit::Temporary,
        message: format!(
            "the drain lock is held by {holder}; stop it first, or let it do the work"
        ),
    })?;
    store.check_integrity().await?;
    Ok((context(store, stop)?, lock))
}

async fn daemon(cli: &Cli, stop: CancellationToken) -> anyhow::Result<Exit> {
    // Caught from the start on: a reload that comes early must not end the process.
    let hangups = signal(SignalKind::hangup()).context("SIGHUP cannot be caught")?;
    let config = read_for_daemon(cli)?;
    let (send, rereads) = mpsc::channel(1);
    let opening = stop.clone();
    let daemon = Daemon {
        clock: Arc::new(SystemClock),
        stop,
        notifier: Notifier::systemd(),
        open: Box::new(move |path| {
            let stop = opening.clone();
            Box::pin(async move { open(&path, "b24-tidyd run", stop).await })
        }),
        rereads,
    };
    tokio::select! {
        served = daemon.serve(config) => served?,
        never = reread_on_hangups(cli, hangups, send) => match never {},
    }
    Ok(Exit::Done)
}

/// The configuration, with the portals that are to be served.
fn read_for_daemon(cli: &Cli) -> anyhow::Result<Config> {
    let mut config = cli.configuration()?;
    config.portals = cli.chosen_or_all(&config)?.into_iter().cloned().collect();
    Ok(config)
}

/// Reads the configuration again at each SIGHUP.
async fn reread_on_hangups(
    cli: &Cli,
    mut hangups: Signal,
    send: mpsc::Sender<Reread>,
) -> Infallible {
    while hangups.recv().await.is_some() {
        let reread = read_for_daemon(cli).map_err(|error| {
            let text = format!("{error:#}");
            text.lines().map(str::to_owned).collect()
        });
        if send.send(reread).await.is_err() {
            break;
        }
    }
    // The daemon is on its way out.
    std::future::pending().await
}

/// The first signal asks for a stop at a safe point, the second one ends at once.
pub(super) fn stop_on_signals(stop: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if stop.is_cancelled() {
                // What is reserved stays reserved, and what was sent is looked at again at the start.
                std::process::exit(Exit::Temporary.code().into());
            }
            tracing::info!("stopping at the next safe point; once more ends at once");
            stop.cancel();
        }
    });
    Ok(())
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
        Ending::NoTokens => {
            "no tokens; run `b24-tidyd auth login` or `b24-tidyd auth import`".to_owned()
        }
        Ending::Failed(failure) => failure.to_string(),
        Ending::Ended(Outcome::WorkLeft { until, why }) => {
            format!("work left: {why}; again at {until:.0}")
        }
        Ending::Ended(outcome) => outcome.as_str().to_owned(),
    };
    format!("{done}{parked}: {ending}")
}
