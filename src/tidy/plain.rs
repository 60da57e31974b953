//! Writing where no guard can stand: a get and an update back to back, the smallest window that the
//! API allows.
//!
//! The get is the last thing before the update: room for both is taken first, and whatever keeps the
//! update from being sent at once has the contact read again.

use super::item::Correction;
use crate::{
    bitrix::{
        Problem,
        contacts::{self, Contact},
    },
    portal::{CallFailure, Portal, Repeat},
};

/// How often a write that was held up is begun anew.
const MOST_TRIES: u32 = 4;

/// What became of a plain write.
pub(super) enum Plain {
    /// It was made.
    Written,
    /// Somebody changed the contact meanwhile: this is how it stands now, and nothing was written.
    Changed(Contact),
    /// Nothing was written.
    NotWritten(CallFailure),
    /// It may have been made.
    Unanswered(Problem),
}

/// Writes a correction that stands in the books by now.
pub(super) async fn write(portal: &Portal, correction: &Correction) -> Plain {
    let mut tries = 0;
    loop {
        tries += 1;
        match once(portal, correction).await {
            // Nothing was processed, and time has passed.
            Plain::NotWritten(CallFailure::Problem(problem))
                if holds_up(&problem) && tries < MOST_TRIES => {}
            outcome => return outcome,
        }
    }
}

async fn once(portal: &Portal, correction: &Correction) -> Plain {
    let (id, family) = (correction.contact.id, correction.contact.family);
    let get = contacts::get(family, id);
    let update = contacts::update(family, id, &correction.fields());
    if let Err(failure) = portal.take_room(update.method).await {
        return Plain::NotWritten(failure);
    }
    let fresh = match portal.call(&get, Repeat::Freely).await {
        Ok(reply) => contacts::read_one(family, &reply.result, reply.time.began),
        Err(failure) => return Plain::NotWritten(failure),
    };
    let fresh = match fresh {
        Ok(fresh) => fresh,
        Err(problem) => return Plain::NotWritten(problem.into()),
    };
    if !fresh.is_as(&correction.contact) {
        return Plain::Changed(fresh);
    }
    let answer = portal.call(&update, Repeat::AtOnce).await;
    let done =
        answer.and_then(|reply| Ok(contacts::expect_done(update.method, &reply.result, id)?));
    match done {
        Ok(()) => Plain::Written,
        Err(CallFailure::Problem(problem)) if problem.may_have_been_processed() => {
            Plain::Unanswered(problem)
        }
        Err(failure) => Plain::NotWritten(failure),
    }
}

/// Whether an update was held up by something that passes at once, or that the next get meets and
/// puts right.
fn holds_up(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::RateLimited | Problem::TokenExpired | Problem::TokenUnknown(_) | Problem::Moved(_)
    )
}
