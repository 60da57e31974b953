//! What happens while a request is under way: somebody edits, or the process is killed.

use std::sync::{Arc, Mutex};

use test_portal::{Portal, RequestRecord};
use tokio::sync::Notify;

/// What is to happen during the next pass.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Requests until the process dies; none where it lives.
    pub kill_in: Option<u32>,
    /// Requests until somebody edits, and what; in order.
    pub edits: Vec<(u32, u64, String)>,
}

/// Hooks into the portal that carry out the plan.
#[derive(Clone, Default)]
pub(super) struct Mischief {
    plan: Arc<Mutex<Plan>>,
    killed: Arc<Notify>,
}

impl Mischief {
    pub(super) fn install(portal: &Portal) -> Self {
        let mischief = Self::default();
        let hook = mischief.clone();
        portal.before_request(move |portal, request| hook.strike(portal, request));
        mischief
    }

    pub(super) fn prepare(&self, plan: Plan) {
        *self.plan.lock().unwrap() = plan;
    }

    /// Ends when the process is to die.
    pub(super) async fn killed(&self) {
        self.killed.notified().await;
    }

    fn strike(&self, portal: &Portal, request: &RequestRecord) {
        let mut plan = self.plan.lock().unwrap();
        // Between a get and its update nothing can stand guard: that window is known and documented.
        if request.method != "crm.contact.update" {
            for (left, ..) in &mut plan.edits {
                *left = left.saturating_sub(1);
            }
            plan.edits.retain(|(left, contact, name)| {
                if *left == 0 {
                    portal.edit_contact(*contact, &[("NAME", name)]);
                }
                *left > 0
            });
        }
        if let Some(left) = &mut plan.kill_in {
            *left = left.saturating_sub(1);
            if *left == 0 {
                plan.kill_in = None;
                self.killed.notify_one();
            }
        }
    }
}
