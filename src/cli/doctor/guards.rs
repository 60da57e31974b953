//! Whether conditional updates can be trusted here, tried with reads alone.

use super::chart::Chart;
use crate::{
    bitrix::contacts::{self, Contact},
    portal::{CallFailure, Portal, Repeat},
};

/// Tries guards on a contact of the portal.
///
/// # Errors
/// A [`CallFailure`].
pub(super) async fn try_out(portal: &Portal, chart: &mut Chart) -> Result<(), CallFailure> {
    let family = portal.contacts();
    let reply = portal
        .call(&contacts::walk(family, 0, None), Repeat::Freely)
        .await?;
    let began = reply.time.began;
    let contacts = contacts::read_list(family, reply.result, began)?;
    let settled = |contact: &&Contact| contact.is_settled() == Some(true);
    let Some(contact) = contacts.iter().find(settled) else {
        chart.skip("guards", "there is no contact to try them on");
        return Ok(());
    };
    let id = contact.id;
    let said = match portal.try_guards(contact).await? {
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
