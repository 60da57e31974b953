//! What may be tried, out of everything that comes while a login waits. Others may use this machine:
//! what does not belong to this login costs nothing, and what cannot be told apart is asked about.

use std::io::Write;

use tokio::sync::mpsc;

use super::arrival::{Arrival, Caught};
use crate::{
    bitrix::redirect::{self, Returned},
    cli::text::{WIDTH, wrapped},
    portal::{CallFailure, Context},
};

/// Tokens without a state that may wait for a person's word.
const MOST_WAITING: usize = 8;

/// Something that may be tried.
pub(super) enum Offer {
    /// What a person pasted.
    Text(String),
    /// A code with the state of this try.
    Code(Returned, Caught),
    /// Tokens that carry no state, and that a person lets in.
    Tokens(Caught),
}

/// Everything that comes.
pub(super) struct Offers<'a> {
    arrivals: &'a mut mpsc::Receiver<Arrival>,
    listening: bool,
    /// Somebody may be at the terminal.
    terminal: bool,
    /// Tokens that carry no state, numbered from 1.
    waiting: Vec<Caught>,
    strangers: u64,
}

impl<'a> Offers<'a> {
    pub(super) fn new(arrivals: &'a mut mpsc::Receiver<Arrival>, listening: bool) -> Self {
        Self {
            arrivals,
            listening,
            terminal: true,
            waiting: Vec::new(),
            strangers: 0,
        }
    }

    /// The next thing to try; none where nothing can come any more. The state stays that of this try
    /// until the right answer came.
    pub(super) async fn next(
        &mut self,
        context: &Context,
        state: &str,
        talk: &mut (dyn Write + Send),
    ) -> Result<Option<Offer>, CallFailure> {
        loop {
            let arrival = tokio::select! {
                biased;
                () = context.stop.cancelled() => return Err(CallFailure::Stopped),
                arrival = self.arrivals.recv() => arrival,
            };
            let offer = match arrival {
                None => return Ok(None),
                Some(Arrival::InputEnded) if !self.listening => return Ok(None),
                Some(Arrival::InputEnded) => {
                    self.terminal = false;
                    self.refuse_waiting().await;
                    None
                }
                Some(Arrival::Pasted(line)) => self.pasted(line, talk).await,
                Some(Arrival::Caught(caught)) => self.caught(caught, state, talk).await,
            };
            if offer.is_some() {
                return Ok(offer);
            }
        }
    }

    async fn pasted(&mut self, line: String, talk: &mut (dyn Write + Send)) -> Option<Offer> {
        let word = line.trim().to_lowercase();
        if word.is_empty() {
            return None;
        }
        if self.waiting.is_empty() {
            return Some(Offer::Text(line));
        }
        let chosen = match word.as_str() {
            "n" | "no" => {
                self.refuse_waiting().await;
                return None;
            }
            "y" | "yes" if self.waiting.len() == 1 => Some(1),
            "y" | "yes" => {
                say(
                    talk,
                    "Several wait; type the number of those that are yours.",
                );
                return None;
            }
            number => number.parse().ok(),
        };
        match chosen {
            Some(number) if (1..=self.waiting.len()).contains(&number) => {
                Some(Offer::Tokens(self.waiting.remove(number - 1)))
            }
            _ => Some(Offer::Text(line)),
        }
    }

    async fn caught(
        &mut self,
        caught: Caught,
        state: &str,
        talk: &mut (dyn Write + Send),
    ) -> Option<Offer> {
        if caught.fields.contains("AUTH_ID=") {
            self.ask_about(caught, talk).await;
            return None;
        }
        match redirect::read(&caught.fields) {
            Ok(returned) if !returned.bare && returned.state.as_deref() == Some(state) => {
                return Some(Offer::Code(returned, caught));
            }
            _ => {}
        }
        self.strangers += 1;
        if self.strangers == 1 {
            say(
                talk,
                "An answer that belongs to another login (its state is a different one) came by, and \
                 was not used. Still waiting for that to the address above.",
            );
        }
        let text = "This answer belongs to another login (its state is a different one). Open the \
                    address that the terminal shows.";
        caught.answer("400 Bad Request", text).await;
        None
    }

    /// Anybody on this machine can post tokens that carry no state: a person decides.
    async fn ask_about(&mut self, caught: Caught, talk: &mut (dyn Write + Send)) {
        if !self.terminal {
            let text = "These tokens carry no state, and nobody is at the terminal to let them in. \
                        Log in with the address that it shows.";
            return caught.answer("403 Forbidden", text).await;
        }
        if self.waiting.len() >= MOST_WAITING {
            let text = "Too many tokens wait for an answer at the terminal.";
            return caught.answer("503 Service Unavailable", text).await;
        }
        self.waiting.push(caught);
        let number = self.waiting.len();
        let text = match number {
            1 => "Tokens came from a browser, without the state of this login: anybody on this \
                  machine can have sent them. Did you just open the application inside the portal? \
                  Take them? [y/N]"
                .to_owned(),
            number => format!(
                "More tokens without a state came (number {number}). Type the number of those that \
                 are yours, or n for none."
            ),
        };
        say(talk, &text);
    }

    async fn refuse_waiting(&mut self) {
        for caught in self.waiting.drain(..) {
            let text =
                "These tokens were not taken. Log in with the address that the terminal shows.";
            caught.answer("403 Forbidden", text).await;
        }
    }
}

/// A terminal that cannot be written to is noticed at the end.
fn say(talk: &mut (dyn Write + Send), text: &str) {
    let lines = wrapped(text, WIDTH);
    let _ = writeln!(talk, "{}", lines.join("\n"));
    let _ = talk.flush();
}
