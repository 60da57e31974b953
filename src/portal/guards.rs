//! Whether conditional updates can be trusted on this portal, tried with reads alone.

use super::{CallFailure, Portal, Repeat};
use crate::bitrix::{
    Batch, Problem, Said,
    batch::Guarded,
    contacts::{self, Contact},
};

impl Portal {
    /// Tries whether a guard that must hold does, and one that must not does not (protocol document,
    /// section 11), on a contact that was read in a later second than it was changed. The second half
    /// of a pair is a get in place of the update: it takes its id from the guard's answer just as the
    /// update does, and changes nothing.
    ///
    /// # Errors
    /// The outer error says that the trial came to no end; the inner one is what is wrong with guards
    /// here, in words.
    pub async fn try_guards(
        &self,
        contact: &Contact,
    ) -> Result<Result<(), &'static str>, CallFailure> {
        let (family, id) = (contact.family, contact.id);
        let modified = contact.modified.as_deref().unwrap_or_default();
        let mut batch = Batch::new();
        batch.push("proof", &contacts::proof(family, id));
        batch.push_guarded(&contacts::guarded_get(family, id, modified));
        let mut answer = self.batch(&batch, Repeat::Freely).await?;
        let proof = contacts::read_list(family, answer.take("proof")?.result, None)?;
        if !proof.is_empty() {
            return Ok(Err("the portal ignores the condition of a guard"));
        }
        match answer.take_guarded(id) {
            Guarded::Written => {}
            Guarded::Misread => return Ok(Err("a guard's answer is not put into the update")),
            // One that fails is not one that refuses: that says nothing about guards.
            Guarded::Unguarded => return Err(failed().into()),
            Guarded::Failed(problem) if problem.is_temporary() => return Err(problem.into()),
            Guarded::Touched | Guarded::Failed(_) => {
                return Ok(Err(
                    "a guard refuses although nobody has touched the contact",
                ));
            }
        }
        let mut batch = Batch::new();
        batch.push_guarded(&contacts::refuted_get(family, id));
        match self.batch(&batch, Repeat::Never).await {
            Ok(mut answer) => match answer.take_guarded(id) {
                Guarded::Written => Ok(Err("a guard that does not hold stops nothing")),
                Guarded::Unguarded => Err(failed().into()),
                Guarded::Failed(problem) if problem.is_temporary() => Err(problem.into()),
                Guarded::Touched | Guarded::Misread | Guarded::Failed(_) => Ok(Ok(())),
            },
            // An older portal fails as a whole at a guard that refuses: nothing is written by it.
            Err(CallFailure::Problem(
                Problem::Failed(_) | Problem::Unclear(_) | Problem::RequestRefused(_),
            )) => Ok(Err("a guard that refuses ends the whole batch")),
            Err(failure) => Err(failure),
        }
    }
}

fn failed() -> Problem {
    Problem::Failed(Said::text("the condition of a guard failed"))
}
