//! What a test orders from the portal, and what it looks at.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::PoisonError;

use serde_json::Value;

use crate::data::queue::QueueRow;
use crate::log::{Command, RequestRecord};
use crate::methods::bindings::Binding;
use crate::oauth::endpoint;
use crate::portal::Portal;
use crate::settings::Settings;
use crate::wire::fault::Fault;

impl Portal {
    /// The portal's present address, `http://127.0.0.1:port` where it listens on a socket.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.state().addresses.portal().to_owned()
    }

    /// The authorisation server's address.
    #[must_use]
    pub fn oauth_url(&self) -> String {
        self.shared.state().addresses.oauth.clone()
    }

    /// The control interface's address.
    #[must_use]
    pub fn control_url(&self) -> String {
        self.shared.state().addresses.control.clone()
    }

    /// The application's client id.
    #[must_use]
    pub fn client_id(&self) -> String {
        self.shared.state().application.client_id.clone()
    }

    /// The application's client secret.
    #[must_use]
    pub fn client_secret(&self) -> String {
        self.shared.state().application.client_secret.clone()
    }

    /// The portal's stable id.
    #[must_use]
    pub fn member_id(&self) -> String {
        self.shared.state().application.member_id.clone()
    }

    /// The token endpoint's answer for user 1, the administrator, freshly issued.
    #[must_use]
    pub fn authorise(&self) -> Value {
        self.authorise_as(1)
    }

    /// The same for another user, who is no administrator.
    #[must_use]
    pub fn authorise_as(&self, user: u64) -> Value {
        let now = self.now();
        self.shared.state().grant(user, now, false)
    }

    /// The address to which the browser of a user would be sent after a login, with a fresh code.
    #[must_use]
    pub fn login(&self, client_state: &str, user: u64) -> String {
        let now = self.now();
        endpoint::login(&mut self.shared.state(), client_state, user, now)
    }

    /// Every access token, refresh token and code ever issued, and the client secret.
    #[must_use]
    pub fn issued_secrets(&self) -> Vec<String> {
        self.shared.state().tokens.issued.clone()
    }

    /// An administrator rotates the client secret; answers the new one.
    pub fn rotate_client_secret(&self) -> String {
        self.shared.state().rotate_secret()
    }

    /// An administrator deletes the application and adds it again, as source of 2026 has it: handlers,
    /// queue rows and tokens are gone, client id and secret are new.
    pub fn reinstall_application(&self) {
        self.shared.state().reinstall();
    }

    /// Ends the life of all access tokens.
    pub fn expire_access_tokens(&self) {
        let now = self.now();
        self.shared.state().tokens.expire_access(now);
    }

    /// Forgets all refresh tokens.
    pub fn revoke_refresh_tokens(&self) {
        self.shared.state().tokens.revoke_refresh();
    }

    /// All rows of the queue by id, reserved, parked and foreign ones included.
    #[must_use]
    pub fn queue(&self) -> Vec<QueueRow> {
        let now = self.now();
        let mut state = self.shared.state();
        state.settle(now);
        state
            .queue
            .rows()
            .map(|stored| stored.row.clone())
            .collect()
    }

    /// Plants a row as it is and answers its id; see [`QueueRow`] for what zeros and empty texts
    /// mean.
    pub fn push_row(&self, row: QueueRow) -> u64 {
        let now = self.now();
        let mut state = self.shared.state();
        state.changes += 1;
        let (change, wall) = (state.changes, state.wall(now));
        state.queue.plant(row, wall, change)
    }

    /// All handlers of the client's application.
    #[must_use]
    pub fn bindings(&self) -> Vec<Binding> {
        self.shared.state().bindings.clone()
    }

    /// Removes all handlers, as a reinstallation may.
    pub fn unbind_all(&self) {
        self.shared.state().bindings.clear();
    }

    /// Binds an event offline, with a connector or `""`.
    pub fn bind_offline(&self, event: &str, connector: &str) {
        let binding = Binding {
            event: event.to_ascii_uppercase(),
            offline: true,
            connector: connector.to_owned(),
            handler: String::new(),
        };
        let mut state = self.shared.state();
        if !state.bindings.contains(&binding) {
            state.bindings.push(binding);
        }
    }

    /// Orders a fault.
    pub fn fault(&self, fault: Fault) {
        self.shared.state().faults.add(fault);
    }

    /// Cancels all faults.
    pub fn clear_faults(&self) {
        self.shared.state().faults.clear();
    }

    /// The faults that may still strike.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.shared.state().faults.list()
    }

    /// The request log.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.state().log.clone()
    }

    /// Number of requests so far, those that the log no longer has included.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.shared.state().requests_seen
    }

    /// Empties the request log.
    pub fn clear_requests(&self) {
        self.shared.state().log.clear();
    }

    /// Waits until a condition holds; it is looked at now and after every request.
    pub async fn until(&self, mut condition: impl FnMut(&Portal) -> bool) {
        loop {
            let progress = self.shared.progress.notified();
            if condition(self) {
                return;
            }
            progress.await;
        }
    }

    /// Runs ahead of each request, before it is carried out. Replaces an earlier hook. The hook may
    /// use the portal (a fault that it orders can still strike this request), but not set hooks.
    pub fn before_request(&self, hook: impl FnMut(&Portal, &RequestRecord) + Send + 'static) {
        let mut slot = self
            .shared
            .request_hook
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *slot = Some(Box::new(hook));
    }

    /// Runs ahead of each command inside a batch. Replaces an earlier hook.
    pub fn before_command(
        &self,
        hook: impl FnMut(&Portal, &RequestRecord, &Command) + Send + 'static,
    ) {
        let mut slot = self
            .shared
            .command_hook
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *slot = Some(Box::new(hook));
    }

    /// Removes both hooks.
    pub fn clear_hooks(&self) {
        let poisoned = PoisonError::into_inner;
        *self.shared.request_hook.lock().unwrap_or_else(poisoned) = None;
        let poisoned = PoisonError::into_inner;
        *self.shared.command_hook.lock().unwrap_or_else(poisoned) = None;
    }

    /// Reads and changes settings while the portal runs.
    pub fn settings<R>(&self, change: impl FnOnce(&mut Settings) -> R) -> R {
        change(&mut self.shared.state().settings)
    }

    /// Others behind the client's address use up requests of the bucket.
    pub fn occupy_bucket(&self, requests: f64) {
        let now = self.now();
        let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut state = self.shared.state();
        let (burst, rate) = (state.settings.burst, state.settings.rate);
        state.bucket.occupy(from, requests, now, burst, rate);
    }

    /// Uses up seconds of a method's operating time.
    pub fn occupy_operating(&self, method: &str, cost: f64) {
        let now = self.now();
        let mut state = self.shared.state();
        state
            .operating
            .book(&method.to_ascii_lowercase(), cost, now);
    }

    /// Breaches of the client's promises so far, in plain words; see the crate documentation.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.shared.state().referee.violations()
    }

    /// Contacts whose rows were taken by a destructive get after they had been listed, and which
    /// were not read since: the client still owes them.
    #[must_use]
    pub fn owed_contacts(&self) -> Vec<u64> {
        self.shared.state().referee.owed()
    }

    /// Forgets the breaches so far.
    pub fn clear_violations(&self) {
        self.shared.state().referee.clear();
    }
}
