//! A turn: one request, composed of what each part has due, and redeemed by each from the answer.
//!
//! What the parts put in concerns different rows and contacts, so that their order does not matter:
//! acknowledgements of what earlier turns have settled, guarded writes, reads, and the next
//! reservation where there is room for what it may bring. A further kind of work on events is added
//! here: it takes its rows in [`hand_over`], puts its commands into [`take`]'s request, and
//! redeems them from the answer.

use super::{failure::DrainFailure, streak::Streak};
use crate::{
    bitrix::Batch,
    portal::{CallFailure, Portal, Repeat},
    queue::Queue,
    tidy::Tidy,
};

/// Whether a turn had anything to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Took {
    /// A request was sent, or something was waited for.
    Something,
    /// There is nothing to do now.
    Nothing,
}

/// Gives back to the queue what became of rows, and takes new ones to those who work on them.
pub(super) async fn hand_over(queue: &mut Queue, tidy: &mut Tidy) -> Result<(), DrainFailure> {
    for handled in tidy.handled() {
        queue.take_back(handled).await?;
    }
    if let Some(handled) = tidy.take_rows(queue.rows()) {
        queue.take_back(handled).await?;
    }
    Ok(())
}

/// Sends one request with as many steps as fit and are due.
pub(super) async fn take(
    portal: &Portal,
    queue: &mut Queue,
    tidy: &mut Tidy,
    streak: &mut Streak,
) -> Result<Took, DrainFailure> {
    // Before anything is reserved anew: a pass must not end with reserved rows nobody knows of.
    queue.find_orphans().await?;
    let wrote = tidy.write_next_plainly().await;
    if tidy.is_braked() {
        queue.close();
    }
    hand_over(queue, tidy).await?;
    if wrote? {
        return Ok(Took::Something);
    }
    let mut batch = Batch::new();
    let settled = queue.put_acknowledgements(&mut batch).await?;
    let work = tidy.put(&mut batch).await?;
    let reservation = if tidy.leaves_room(&work) {
        queue
            .put_reservation(&mut batch, tidy.has_to_wait())
            .await?
    } else {
        None
    };
    if batch.is_empty() {
        return wait_for_next_look(portal, tidy).await;
    }
    let once = reservation.is_some() || work.writes() || work.is_doubtful();
    let repeat = if once { Repeat::Never } else { Repeat::Freely };
    let outcome = match portal.batch(&batch, repeat).await {
        Ok(mut answer) => {
            // A reservation is of no use to anybody until it is stored: this comes first.
            let mut troubles = Vec::new();
            if let Some(reservation) = reservation {
                troubles.extend(queue.redeem_reservation(reservation, &mut answer).await?);
            }
            troubles.extend(queue.redeem_acknowledgements(settled, &mut answer).await?);
            let trouble = tidy.redeem(work, &mut answer).await;
            hand_over(queue, tidy).await?;
            troubles.extend(trouble?);
            // A turn with many commands that failed is one failure, and one without any ends the row.
            match troubles.first() {
                Some(problem) => streak.failed(problem),
                None => streak.went_well(),
            }
            Ok(())
        }
        Err(failure) => {
            let processed = matches!(&failure, CallFailure::Problem(problem) if problem.may_have_been_processed());
            if reservation.is_some() && processed {
                queue.lost_reservation();
            }
            let wrote = work.writes();
            tidy.lost(work, &failure).await?;
            hand_over(queue, tidy).await?;
            match failure {
                CallFailure::Problem(problem) if processed && streak.bears_more() => {
                    streak.failed(&problem);
                    Ok(())
                }
                CallFailure::MustWait { .. } if wrote => Ok(()),
                other => Err(other.into()),
            }
        }
    };
    outcome.and(streak.rest(portal).await)?;
    Ok(Took::Something)
}

/// Nothing fits in a request now: contacts are waited for whose read was too fresh to guard a write, or
/// there is nothing left to do.
async fn wait_for_next_look(portal: &Portal, tidy: &Tidy) -> Result<Took, DrainFailure> {
    let Some(moment) = tidy.next_look() else {
        return Ok(Took::Nothing);
    };
    let why = "a contact was edited this very second";
    portal.rest_until(moment, why).await?;
    Ok(Took::Something)
}
