//! Room for the next request: the model of the portal's limits, kept in the store.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{CallFailure, Portal};
use crate::{
    bitrix::{
        Batch, BatchAnswer, Call, Problem, Reply,
        limits::{Bucket, Operating, Plan},
    },
    store::{PortalId, Store, StoreFault},
};

/// The methods a request will run, and how often each.
pub(super) struct Load(BTreeMap<&'static str, usize>);

impl Load {
    pub(super) fn of_batch(batch: &Batch) -> Self {
        let mut methods = BTreeMap::new();
        for method in batch.methods() {
            *methods.entry(method).or_insert(0) += 1;
        }
        Self(methods)
    }

    pub(super) fn of_call(call: &Call) -> Self {
        Self(BTreeMap::from([(call.method, 1)]))
    }
}

/// The books of execution time; they outlive a restart.
pub(super) struct Pace {
    operating: Operating,
}

impl Pace {
    pub(super) fn load(store: &Store, portal: PortalId) -> Result<Self, StoreFault> {
        // Books that an older version wrote, or nobody, begin anew.
        let operating = store
            .pace(portal)?
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        Ok(Self { operating })
    }

    pub(super) fn learn_call(
        &mut self,
        store: &Store,
        portal: PortalId,
        method: &str,
        reply: &Reply,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        self.operating.observe(method, reply.time, now);
        self.save(store, portal)
    }

    pub(super) fn learn_batch(
        &mut self,
        store: &Store,
        portal: PortalId,
        answer: &BatchAnswer,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        self.operating.observe_batch(answer, now);
        self.save(store, portal)
    }

    pub(super) fn blocked(
        &mut self,
        store: &Store,
        portal: PortalId,
        method: &str,
        plan: Plan,
        now: Timestamp,
    ) -> Result<Timestamp, StoreFault> {
        let until = self.operating.blocked(method, plan, now);
        self.save(store, portal)?;
        Ok(until)
    }

    fn save(&self, store: &Store, portal: PortalId) -> Result<(), StoreFault> {
        match serde_json::to_string(&self.operating) {
            Ok(text) => store.set_pace(portal, &text),
            Err(_) => Ok(()),
        }
    }
}

impl Portal {
    /// Waits until the request may be sent, and books it in the shared bucket.
    pub(super) async fn wait_for_room(&self, load: &Load) -> Result<(), CallFailure> {
        if self.is_stopping() {
            return Err(CallFailure::Stopped);
        }
        let blocked = self
            .pace()
            .operating
            .permit(&load.0, self.plan(), self.now());
        if let Some((until, method)) = blocked {
            let why = format!("the portal's execution time for {method} is used up");
            self.rest_until(until, &why).await?;
        }
        loop {
            let plan = self.plan();
            let now = self.now();
            let taken = self.store().with_bucket(&self.host(), |before| {
                let mut bucket =
                    before.map_or(Bucket::empty(now), |(level, as_of)| Bucket { level, as_of });
                let taken = bucket.take(plan, now);
                ((bucket.level, bucket.as_of), taken)
            })?;
            match taken {
                Ok(()) => return Ok(()),
                Err(room_at) => {
                    self.rest_until(room_at, "the request bucket is full")
                        .await?
                }
            }
        }
    }

    pub(super) fn bucket_overflowed(&self) -> Result<(), StoreFault> {
        let (plan, now) = (self.plan(), self.now());
        self.store().with_bucket(&self.host(), |before| {
            let mut bucket =
                before.map_or(Bucket::empty(now), |(level, as_of)| Bucket { level, as_of });
            bucket.overflowed(plan, now);
            ((bucket.level, bucket.as_of), ())
        })
    }

    /// How many requests are in the portal's bucket, as far as this store knows.
    ///
    /// # Errors
    /// A fault of the state file.
    pub fn bucket_level(&self) -> Result<f64, StoreFault> {
        let (plan, now) = (self.plan(), self.now());
        self.store().with_bucket(&self.host(), |before| {
            let bucket =
                before.map_or(Bucket::empty(now), |(level, as_of)| Bucket { level, as_of });
            ((bucket.level, bucket.as_of), bucket.level_at(plan, now))
        })
    }

    /// How long one call of a method takes on this portal, in seconds, as far as was measured.
    #[must_use]
    pub fn cost(&self, method: &str) -> f64 {
        self.pace().operating.cost(method)
    }

    /// Books the block of every command that the portal refused for its execution time.
    pub(super) fn block_commands(&self, answer: &BatchAnswer) -> Result<(), StoreFault> {
        let (plan, now) = (self.plan(), self.now());
        for method in answer.failed_methods(&Problem::MethodBlocked) {
            self.pace()
                .blocked(self.store(), self.id, method, plan, now)?;
        }
        Ok(())
    }

    /// When the portal lets a method run again; none where nothing is in the way.
    #[must_use]
    pub fn blocked_until(&self, method: &'static str) -> Option<Timestamp> {
        let one = BTreeMap::from([(method, 1)]);
        self.pace()
            .operating
            .permit(&one, self.plan(), self.now())
            .map(|(until, _)| until)
    }

    fn host(&self) -> String {
        let endpoint = self.session().endpoint.clone();
        match (endpoint.host_str(), endpoint.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        }
    }
}
