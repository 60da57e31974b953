//! How the portals stand, in plain words for the service manager; and whether it may hear that the
//! service is ready.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Notifier;
use crate::condition::Condition;

/// How many portals in trouble are named in the one line there is.
const MOST_NAMED: usize = 3;

/// How a portal stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It works; what it did last.
    Well(String),
    /// It does not, and why.
    Troubled(String),
}

/// The standings of all portals. Clones share them.
#[derive(Clone)]
pub(super) struct Board {
    notifier: Notifier,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What was heard of each portal; nothing yet at the start.
    portals: BTreeMap<String, Option<Standing>>,
    /// The last piece of work: the portal and what was done.
    last_work: Option<(String, String)>,
    ready: bool,
    stopping: bool,
    told: String,
}

impl Board {
    pub(super) fn new(notifier: Notifier) -> Self {
        Self {
            notifier,
            state: Arc::default(),
        }
    }

    /// These are the portals from now on; what is known of those that stay, stays known.
    pub(super) fn set_portals<'a>(&self, names: impl Iterator<Item = &'a str>) {
        let mut state = self.state();
        let mut before = std::mem::take(&mut state.portals);
        state.portals = names
            .map(|name| (name.to_owned(), before.remove(name).flatten()))
            .collect();
    }

    /// A portal was heard of. Once all were, the service is ready.
    pub(super) fn heard(&self, name: &str, standing: Standing) {
        let mut state = self.state();
        if let Some(portal) = state.portals.get_mut(name) {
            *portal = Some(standing);
        }
        self.tell_ready_if_all_heard(&mut state);
        self.tell_status(&mut state);
    }

    /// A portal answers, whatever comes of it: enough to be ready.
    pub(super) fn answers(&self, name: &str) {
        let mut state = self.state();
        if let Some(portal @ None) = state.portals.get_mut(name) {
            *portal = Some(Standing::Well("at work".to_owned()));
            self.tell_ready_if_all_heard(&mut state);
        }
    }

    /// A portal did some work.
    pub(super) fn worked(&self, name: &str, what: &str) {
        self.state().last_work = Some((name.to_owned(), what.to_owned()));
    }

    /// Nobody is waited for any longer.
    pub(super) fn ready(&self) {
        let mut state = self.state();
        self.tell_ready(&mut state);
        self.tell_status(&mut state);
    }

    /// What is wrong with the host, until the next portal is heard of.
    pub(super) fn tell_host(&self, conditions: &[Condition]) {
        if let Some(first) = conditions.first() {
            self.say(&format!("{} (since {:.0})", first.text, first.since));
        }
    }

    /// A line that stands until the next portal is heard of.
    pub(super) fn say(&self, text: &str) {
        self.state().told.clear();
        self.notifier.status(text);
    }

    /// The configuration is being read again.
    pub(super) fn reloading(&self) {
        if self.state().ready {
            self.notifier.reloading();
        }
    }

    /// The configuration was read again, or refused.
    pub(super) fn reloaded(&self) {
        if self.state().ready {
            self.notifier.ready();
        }
    }

    /// A stop was asked for: the last word.
    pub(super) fn stopping(&self) {
        let before = std::mem::replace(&mut self.state().stopping, true);
        if !before {
            self.notifier.stopping();
        }
    }

    fn tell_ready_if_all_heard(&self, state: &mut State) {
        if state.portals.values().all(Option::is_some) {
            self.tell_ready(state);
        }
    }

    fn tell_ready(&self, state: &mut State) {
        if !state.ready && !state.stopping {
            state.ready = true;
            self.notifier.ready();
        }
    }

    fn tell_status(&self, state: &mut State) {
        let text = state.line();
        let known = !state.portals.is_empty();
        let news = known && state.ready && !state.stopping && text != state.told;
        if news && self.notifier.status(&text) {
            state.told = text;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn line(&self) -> String {
        if let (1, Some((name, standing))) = (self.portals.len(), self.portals.first_key_value()) {
            let text = match standing {
                None => "not heard of yet",
                Some(Standing::Well(text) | Standing::Troubled(text)) => text,
            };
            return format!("{name}: {text}");
        }
        let mut line = format!("{} portals", self.portals.len());
        let silent = self.portals.values().filter(|it| it.is_none()).count();
        if silent > 0 {
            line.push_str(&format!(", {silent} not heard of yet"));
        }
        let troubled: Vec<String> = self
            .portals
            .iter()
            .filter_map(|(name, standing)| match standing {
                Some(Standing::Troubled(text)) => Some(format!("{name} ({text})")),
                _ => None,
            })
            .collect();
        match troubled.len() {
            0 if silent == 0 => line.push_str(", all in order"),
            0 => {}
            count => {
                line.push_str(&format!(", {count} in trouble: "));
                line.push_str(&troubled[..count.min(MOST_NAMED)].join(", "));
                if count > MOST_NAMED {
                    line.push_str(", ...");
                }
            }
        }
        if let Some((name, what)) = &self.last_work {
            line.push_str(&format!("; last work: {name}: {what}"));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> (Board, Arc<Mutex<Vec<String>>>) {
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let ears = told.clone();
        let tell = move |message: &str| {
            let mut told = ears.lock().unwrap_or_else(PoisonError::into_inner);
            told.extend(message.lines().map(str::to_owned));
            true
        };
        (Board::new(Notifier::new(tell, None)), told)
    }

    fn lines(told: &Mutex<Vec<String>>) -> Vec<String> {
        std::mem::take(&mut told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[test]
    fn ready_waits_for_every_portal_and_comes_once() {
        let (board, told) = board();
        board.set_portals(["a", "b"].into_iter());
        board.heard("a", Standing::Well("the queue is empty".to_owned()));
        assert_eq!(lines(&told), [] as [String; 0]);
        board.heard("b", Standing::Troubled("unreachable".to_owned()));
        assert_eq!(
            lines(&told),
            ["READY=1", "STATUS=2 portals, 1 in trouble: b (unreachable)"]
        );
        board.heard("b", Standing::Well("the queue is empty".to_owned()));
        board.heard("b", Standing::Well("the queue is empty".to_owned()));
        assert_eq!(lines(&told), ["STATUS=2 portals, all in order"]);
    }

    #[test]
    fn a_portals_text_cannot_pretend_to_be_another_message() {
        let (board, told) = board();
        board.set_portals(std::iter::once("a"));
        board.heard("a", Standing::Troubled("x\nWATCHDOG=trigger".to_owned()));
        assert_eq!(lines(&told), ["READY=1", "STATUS=a: x WATCHDOG=trigger"]);
    }

    #[test]
    fn nothing_follows_the_word_that_we_stop() {
        let (board, told) = board();
        board.set_portals(std::iter::once("a"));
        board.stopping();
        board.heard("a", Standing::Well("stopped".to_owned()));
        board.ready();
        assert_eq!(lines(&told), ["STOPPING=1"]);
    }
}
