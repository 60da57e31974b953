//! The hourly look at everything that an empty queue does not tell: application, plan, bindings, open
//! reservations.

use jiff::Timestamp;

use super::failure::DrainFailure;
use crate::{
    bitrix::{Batch, BatchAnswer, Problem, application},
    clock::after,
    portal::{CallFailure, Portal, Repeat},
    queue::{Look, Queue},
    tidy::Tidy,
};

/// How often everything is looked at, in seconds.
const EVERY_SECONDS: f64 = 3600.0;

/// How often it is tried again where the portal could not tell, in seconds.
const AGAIN_SECONDS: f64 = 300.0;

/// How often the connector may turn out to be lacking, or back, within one survey.
const MOST_TURNS: u32 = 3;

/// When everything was looked at last.
#[derive(Debug, Default)]
pub(super) struct Survey {
    at: Option<Timestamp>,
    /// The portal could not tell everything.
    incomplete: bool,
}

impl Survey {
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let every = if self.incomplete {
            AGAIN_SECONDS
        } else {
            EVERY_SECONDS
        };
        self.at.is_none_or(|at| now >= after(at, every) || now < at)
    }

    /// What was found may no longer be so.
    pub(super) fn forget(&mut self) {
        self.at = None;
    }

    /// Looks, repairs the bindings, resumes open reservations and adopts unknown ones.
    pub(super) async fn take(
        &mut self,
        portal: &Portal,
        queue: &mut Queue,
        tidy: &mut Tidy,
    ) -> Result<(), DrainFailure> {
        let mut looked = ask(portal, queue, tidy, true).await;
        if let Err(DrainFailure::Temporary(_)) = looked {
            // Perhaps it is the list of the queue that the portal fails over, which only looks for what
            // might have been lost.
            queue.doubt_listing();
            looked = ask(portal, queue, tidy, true).await;
        }
        self.incomplete = false;
        let (mut answer, look) = match looked {
            // A look that the portal fails over keeps nobody from the work; if the portal fails
            // altogether the next request says so.
            Err(DrainFailure::Temporary(reason)) => {
                tracing::warn!(portal = %portal.config.name, %reason, "not everything can be looked at now");
                self.incomplete = true;
                self.at = Some(portal.now());
                return Ok(());
            }
            looked => looked?,
        };
        self.incomplete = !check_application(queue, &mut answer).await?;
        tidy.redeem_look(&mut answer).await?;
        queue.redeem_look(look, &mut answer).await?;
        self.at = Some(portal.now());
        portal.store().set_lost(portal.id, None).await?;
        Ok(())
    }
}

/// Looks at application and plan without repairing anything: no bindings are made, no reservations
/// taken up.
pub(super) async fn look_only(
    portal: &Portal,
    queue: &mut Queue,
    tidy: &mut Tidy,
) -> Result<(), DrainFailure> {
    let (mut answer, _) = ask(portal, queue, tidy, false).await?;
    check_application(queue, &mut answer).await?;
    Ok(tidy.redeem_look(&mut answer).await?)
}

/// Asks with the connector where the plan offers it, without it where it does not. Both may have
/// changed since the last time.
async fn ask(
    portal: &Portal,
    queue: &mut Queue,
    tidy: &Tidy,
    repairs: bool,
) -> Result<(BatchAnswer, Look), DrainFailure> {
    queue.choose_connector();
    let mut turns = 0;
    loop {
        turns += 1;
        let mut batch = Batch::new();
        batch.push("info", &application::info());
        batch.push("admin", &application::is_admin());
        batch.push("scopes", &application::scopes());
        tidy.put_look(&mut batch);
        let look = queue.put_look(&mut batch, repairs).await?;
        match portal.batch(&batch, Repeat::Freely).await {
            Ok(mut answer) => {
                let is_back = queue.learn_plan(&mut answer).await?;
                if !is_back || turns >= MOST_TURNS {
                    return Ok((answer, look));
                }
                tracing::info!(portal = %portal.config.name,
                    "the plan has rest_auth_connector; going back to `auth_connector`");
                queue.choose_connector();
            }
            Err(CallFailure::Problem(Problem::Licence(said)))
                if queue.uses_connector() && turns < MOST_TURNS =>
            {
                queue.lose_connector(&said).await?;
            }
            Err(failure) => return Err(failure.into()),
        }
    }
}

/// Whether the application may do the work. Answers whether the portal could tell.
async fn check_application(queue: &Queue, answer: &mut BatchAnswer) -> Result<bool, DrainFailure> {
    let mut take = |key: &str| application::known(answer, key);
    let (info, admin, scopes) = match (take("info"), take("admin"), take("scopes")) {
        (Ok(info), Ok(admin), Ok(scopes)) => (info, admin, scopes),
        (info, admin, scopes) => {
            for told in [info, admin, scopes] {
                match told {
                    Err(problem) if !says_nothing(&problem) => return Err(problem.into()),
                    _ => {}
                }
            }
            return Ok(false);
        }
    };
    if let Some(reason) = application::inactive(&info) {
        queue.note_gap(&reason.text).await?;
    }
    application::fitness(&info, &admin, &scopes)
        .map_err(|unfit| DrainFailure::NeedsPerson(unfit.into()))?;
    Ok(true)
}

/// Whether a problem is the portal's own, and says nothing about the application.
fn says_nothing(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::Failed(_) | Problem::Unclear(_) | Problem::RequestRefused(_)
    )
}
