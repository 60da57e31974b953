//! How a one-shot run gets on, on standard error: a bar on a terminal, a log line a minute elsewhere.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::{
    cli::surroundings::Surroundings,
    drain::Progress,
    service::{Headway, OnProgress, about},
};

/// How often a line is logged at most.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

/// How often the bar is drawn at most, in a second.
const BARS_A_SECOND: u8 = 5;

/// The bar's length in characters.
const BAR: usize = 24;

/// Wipes the line in which the cursor stands: a bar may stand there.
pub(in crate::cli) const WIPE: &str = "\r\x1b[K";

/// All portals' progress.
struct Shown {
    began: Instant,
    told: Instant,
    portals: BTreeMap<String, Progress>,
}

impl Shown {
    /// Takes in one portal's progress. Answers how all get on.
    fn note(&mut self, portal: &str, progress: Progress, now: Instant) -> Option<Headway> {
        self.portals.insert(portal.to_owned(), progress);
        let all = self.portals.values().copied().reduce(Progress::with);
        Some(Headway::of(all?, now.duration_since(self.began)))
    }
}

/// What portals report their progress to, each by its name.
pub(super) fn watcher(world: &Surroundings) -> OnProgress {
    let clock = world.clock.clone();
    let began = clock.steady();
    let target = || ProgressDrawTarget::stderr_with_hz(BARS_A_SECOND);
    let bar = world.err_is_terminal.then(|| bar(target()));
    let shown = Mutex::new(Shown {
        began,
        told: began,
        portals: BTreeMap::new(),
    });
    Arc::new(move |portal: &str, progress: Progress| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock.steady();
        let Some(headway) = shown.note(portal, progress, now) else {
            return;
        };
        if let Some(bar) = &bar {
            draw(bar, &headway);
        } else if now.duration_since(shown.told) >= BETWEEN_LINES {
            shown.told = now;
            log(&headway);
        }
    })
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

/// A line that is cut where the terminal ends, and wiped at the end.
fn bar(target: ProgressDrawTarget) -> ProgressBar {
    // It is made of fixed words.
    let style = ProgressStyle::with_template("{wide_msg}");
    ProgressBar::with_draw_target(None, target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_finish(ProgressFinish::AndClear)
}

fn draw(bar: &ProgressBar, headway: &Headway) {
    bar.set_message(words(headway));
    bar.tick();
}

fn words(headway: &Headway) -> String {
    let Headway {
        done, per_second, ..
    } = headway;
    let (Some(share), Some(left)) = (headway.share(), headway.left) else {
        return format!("{done} events done, {per_second:.0}/s");
    };
    let filled = ((share * BAR as f64) as usize).min(BAR);
    let drawn = "#".repeat(filled) + &"-".repeat(BAR - filled);
    let all = done + left;
    let rest = headway.rest.map(about);
    let rest = rest.map_or_else(String::new, |rest| format!(", about {rest} left"));
    format!("[{drawn}] {done} of {all} events, {per_second:.0}/s{rest}")
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::TermLike;

    use super::*;

    /// A terminal that keeps the line that is drawn.
    #[derive(Debug, Clone)]
    struct Terminal {
        columns: u16,
        line: Arc<Mutex<String>>,
    }

    impl Terminal {
        fn line(&self) -> std::sync::MutexGuard<'_, String> {
            self.line.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl TermLike for Terminal {
        fn width(&self) -> u16 {
            self.columns
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.line().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            self.line().clear();
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

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
            words(&headway),
            "[######------------------] 5000 of 20000 events, 50/s, about 5 min left"
        );
        let headway = Headway::of(progress(700, None), elapsed);
        assert_eq!(words(&headway), "700 events done, 7/s");
    }

    #[test]
    fn the_bar_is_never_longer_than_the_terminal() {
        for columns in [80, 40, 30] {
            let line = Arc::default();
            let terminal = Terminal { columns, line };
            let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), 255);
            let bar = bar(target);
            for waiting in [Some(1_500_000), None] {
                let headway = Headway::of(progress(500_000, waiting), Duration::from_secs(9999));
                draw(&bar, &headway);
                let drawn = terminal.line().clone();
                assert!(drawn.contains('5'), "{drawn:?}");
                assert!(drawn.chars().count() <= usize::from(columns), "{drawn:?}");
            }
        }
    }

    #[test]
    fn portals_are_summed() {
        let began = Instant::now();
        let mut shown = Shown {
            began,
            told: began,
            portals: BTreeMap::new(),
        };
        shown.note("one", progress(10, Some(5)), began);
        let all = shown.note("two", progress(20, Some(50)), began);
        assert_eq!(all.map(|all| (all.done, all.left)), Some((30, Some(55))));
    }
}
