//! What the real program used, read from /proc.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use test_portal::Settings;

use crate::installed::Installed;

/// Clock ticks per second, as /proc counts processor time on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// How often a running program is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// What a run of the program took.
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    pub(crate) processor_seconds: f64,
    pub(crate) peak_megabytes: f64,
}

impl Measured {
    /// Runs `run --once` to its end.
    pub(crate) async fn run(installed: &Installed) -> Self {
        Self::of(installed.command(&["--quiet", "run", "--once"])).await
    }

    /// Runs any command to its end, which must be a good one. Its standard output is dropped.
    pub(crate) async fn of(mut command: Command) -> Self {
        let began = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut measured = Self {
            seconds: 0.0,
            processor_seconds: 0.0,
            peak_megabytes: 0.0,
        };
        // A process that has ended keeps its times until it is waited for, but not its memory.
        while !has_ended(&child) {
            let peak = megabytes(&child, "VmHWM:");
            measured.peak_megabytes = measured.peak_megabytes.max(peak.unwrap_or(0.0));
            tokio::time::sleep(LOOK).await;
        }
        measured.seconds = began.elapsed().as_secs_f64();
        measured.processor_seconds = processor_seconds(&child);
        assert!(child.wait().unwrap().success());
        measured
    }
}

/// The memory of a daemon with one portal and nothing to do, after a minute of polls.
pub(crate) async fn idle_megabytes() -> f64 {
    let installed = Installed::authorised(|_: &mut Settings| {}, "").await;
    let mut child = installed.command(&["--quiet", "run"]).spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let resident = megabytes(&child, "VmRSS:").unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    resident
}

/// The fields of /proc/PID/stat behind the name of the program, the state first.
fn stat(child: &Child) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let (_, fields) = text.rsplit_once(')').unwrap();
    fields.split_whitespace().map(str::to_owned).collect()
}

fn has_ended(child: &Child) -> bool {
    stat(child)[0] == "Z"
}

fn processor_seconds(child: &Child) -> f64 {
    let fields = stat(child);
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

fn megabytes(child: &Child, field: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
