//! What a problem means for a contact. Pure, and the only place that decides it, wherever the contact
//! came from and whatever is done with it.

use crate::bitrix::Problem;

/// What a problem means for the contacts that a command was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The contact is gone: there is nothing to do about it.
    Gone,
    /// Perhaps it passes: the contact is looked at again.
    LookAgain(Problem),
    /// The account may not do this with the contact: is it this one, or the account?
    Denied(Problem),
    /// The portal refuses the contact for good.
    Refused(Problem),
    /// The method is blocked: later, and not the contact's fault.
    Blocked,
    /// It is not about contacts, but about the portal or the way there.
    Everybody(Problem),
}

/// Judges a problem with one contact.
pub(super) fn verdict(problem: Problem) -> Verdict {
    match problem {
        Problem::Gone => Verdict::Gone,
        Problem::MethodBlocked => Verdict::Blocked,
        Problem::Denied(_) => Verdict::Denied(problem),
        Problem::Failed(_)
        | Problem::Unclear(_)
        | Problem::Unanswered(_)
        | Problem::RequestRefused(_)
        | Problem::InvalidId(_) => Verdict::LookAgain(problem),
        Problem::Refused(_) | Problem::Misuse(_) | Problem::AlreadyBound => {
            Verdict::Refused(problem)
        }
        other => Verdict::Everybody(other),
    }
}

/// Judges a problem with a command, or a request, that reads several contacts: whatever it says, it may
/// be one of them that the portal fails over.
pub(super) fn of_many(problem: Problem) -> Verdict {
    match verdict(problem.clone()) {
        Verdict::Blocked => Verdict::Blocked,
        Verdict::Everybody(problem) => Verdict::Everybody(problem),
        _ => Verdict::LookAgain(problem),
    }
}

/// Whether the portal has answered, and what it said tells nothing of what it has done: what was sent may
/// be what it fails over.
pub(super) fn is_said(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::Failed(_) | Problem::Unclear(_) | Problem::RequestRefused(_)
    )
}
