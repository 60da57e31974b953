//! Whether conditional updates can be trusted here, tried with reads alone.
//!
//! The second half of a pair is a `crm.contact.get` in place of the update: it takes its id from the
//! guard's answer just as the update does, and changes nothing.

use super::chart::Chart;
use crate::{
    bitrix::{
        Batch, Call, Problem,
        batch::Guarded,
        contacts::{self, Contact},
    },
    portal::{CallFailure, Portal, Repeat},
};

/// Tries guards on a contact of the portal.
///
/// # Errors
/// A [`CallFailure`].
pub(super) async fn try_out(portal: &Portal, chart: &mut Chart) -> Result<(), CallFailure> {
    let reply = portal
        .call(&contacts::walk(0, None), Repeat::Freely)
        .await?;
    let began = reply.time.began;
    let contacts = contacts::read_list(reply.result, began)?;
    let settled = |contact: &&Contact| contact.is_settled() == Some(true);
    let Some(contact) = contacts.iter().find(settled) else {
        chart.skip("guards", "there is no contact to try them on");
        return Ok(());
    };
    let id = contact.id;
    let modified = contact.modified.as_deref().unwrap_or_default();
    let said = match verdict(portal, id, modified).await? {
        Ok(()) => {
            chart.ok(
                "guards",
                format!("they work (tried on contact {id} with reads alone)"),
            );
            return Ok(());
        }
        Err(said) => said,
    };
    chart.warn(
        "guards",
        format!(
            "{said} (contact {id}); nothing to do: contacts are written one by one, by a get and an \
             update, with a moment between in which an edit by somebody else could be overwritten"
        ),
    );
    Ok(())
}

/// Whether a guard that must hold does, and one that must not does not.
async fn verdict(
    portal: &Portal,
    id: u64,
    modified: &str,
) -> Result<Result<(), &'static str>, CallFailure> {
    let read = Call::new("crm.contact.get");
    let mut batch = Batch::new();
    batch.push("proof", &contacts::proof(id));
    batch.push_guarded(id, &contacts::guard(id, modified), &read);
    let mut answer = portal.batch(&batch, Repeat::Freely).await?;
    let proof = contacts::read_list(answer.take("proof")?.result, None)?;
    if !proof.is_empty() {
        return Ok(Err("the portal ignores the condition of a guard"));
    }
    if answer.take_guarded(id) != Guarded::Written {
        return Ok(Err(
            "a guard refuses although nobody has touched the contact",
        ));
    }
    let mut batch = Batch::new();
    batch.push_guarded(id, &contacts::proof(id), &read);
    match portal.batch(&batch, Repeat::Never).await {
        Ok(mut answer) => Ok(match answer.take_guarded(id) {
            Guarded::Written => Err("a guard that does not hold stops nothing"),
            Guarded::Touched | Guarded::Unguarded | Guarded::Failed(_) => Ok(()),
        }),
        // An older portal fails as a whole at a guard that refuses: nothing is written by it.
        Err(CallFailure::Problem(Problem::Failed(_) | Problem::Unclear(_))) => {
            Ok(Err("a guard that refuses ends the whole batch"))
        }
        Err(failure) => Err(failure),
    }
}
