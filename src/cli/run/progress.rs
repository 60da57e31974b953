//! How a one-shot run gets on, on standard error: a bar on a terminal, a log line a minute elsewhere.

use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    drain::Progress,
    service::{Headway, OnProgress, about},
};

/// How often the bar is drawn at most.
const BETWEEN_BARS: Duration = Duration::from_millis(200);

/// How often a line is logged at most.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

/// The bar's length in characters.
const BAR: usize = 24;

/// Wipes the line in which the cursor stands.
pub(in crate::cli) const WIPE: &str = "\r\x1b[K";

/// All portals' progress.
struct Shown {
    began: Instant,
    told: Instant,
    portals: BTreeMap<String, Progress>,
}

impl Shown {
    /// Takes in one portal's progress. Answers how all get on, where it is time to say so.
    fn note(&mut self, portal: &str, progress: Progress, between: Duration) -> Option<Headway> {
        self.portals.insert(portal.to_owned(), progress);
        let now = Instant::now();
        if now.duration_since(self.told) < between {
            return None;
        }
        self.told = now;
        let all = self.portals.values().copied().reduce(Progress::with);
        Some(Headway::of(all?, now.duration_since(self.began)))
    }
}

/// What portals report their progress to, each by its name.
pub(super) fn watcher() -> OnProgress {
    let on_terminal = std::io::stderr().is_terminal();
    let between = if on_terminal {
        BETWEEN_BARS
    } else {
        BETWEEN_LINES
    };
    let began = Instant::now();
    let shown = Mutex::new(Shown {
        began,
        told: began,
        portals: BTreeMap::new(),
    });
    Arc::new(move |portal: &str, progress: Progress| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(headway) = shown.note(portal, progress, between) else {
            return;
        };
        if on_terminal {
            // A terminal that is gone must not end the drain.
            let _ = write!(std::io::stderr(), "{WIPE}{}", bar(&headway));
        } else {
            log(&headway);
        }
    })
}

/// Wipes a bar that may stand on the terminal.
pub(super) fn end() {
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "{WIPE}");
    }
}

fn log(headway: &Headway) {
    tracing::info!(
        done = headway.done,
        changed = headway.changed,
        left = headway.left,
        per_second = format!("{:.1}", headway.per_second),
        ends_in = headway.rest.map(about),
        "still draining"
    );
}

fn bar(headway: &Headway) -> String {
    let Headway {
        done, per_second, ..
    } = headway;
    let rate = format!("{per_second:.0} a second");
    let (Some(share), Some(left)) = (headway.share(), headway.left) else {
        return format!("{done} events done, {rate}");
    };
    let filled = ((share * BAR as f64) as usize).min(BAR);
    let drawn = "#".repeat(filled) + &"-".repeat(BAR - filled);
    let all = done + left;
    let rest = headway.rest.map(about);
    let rest = rest.map_or_else(String::new, |rest| format!(", about {rest} left"));
    format!("[{drawn}] {done} of {all} events, {rate}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(events: u64, waiting: Option<u64>) -> Progress {
        Progress {
            events,
            waiting,
            ..Progress::default()
        }
    }

    #[test]
    fn the_bar_tells_done_left_rate_and_end() {
        let elapsed = Duration::from_secs(100);
        let headway = Headway::of(progress(5000, Some(15_000)), elapsed);
        assert_eq!(
            bar(&headway),
            "[######------------------] 5000 of 20000 events, 50 a second, about 5 min left"
        );
        let headway = Headway::of(progress(700, None), elapsed);
        assert_eq!(bar(&headway), "700 events done, 7 a second");
    }

    #[test]
    fn portals_are_summed_and_told_now_and_then() {
        let long_ago = Instant::now();
        let mut shown = Shown {
            began: long_ago,
            told: long_ago,
            portals: BTreeMap::new(),
        };
        let never = Duration::from_secs(3600);
        assert_eq!(shown.note("one", progress(10, Some(5)), never), None);
        let all = shown.note("two", progress(20, Some(50)), Duration::ZERO);
        assert_eq!(all.map(|all| (all.done, all.left)), Some((30, Some(55))));
    }
}
