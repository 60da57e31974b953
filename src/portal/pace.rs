//! Room for the next request: the model of the portal's limits, kept in the store.

use jiff::Timestamp;

use super::{
    CallFailure, Hindrance, Portal,
    bucket::{SharedBucket, plan},
};
use crate::{
    bitrix::{
        BatchAnswer, Problem, Reply,
        limits::{Load, Operating, Plan, Share, Step, Wait},
    },
    clock::{after, seconds_between},
    store::{PortalId, Store, StoreFault},
};

/// What is known of the portal's limits.
pub(super) struct Pace {
    /// The books of execution time; they outlive a restart.
    operating: Operating,
    /// The last minute's requests of this process.
    share: Share,
    /// Whether the share of a steady stream is kept.
    steady: bool,
}

impl Pace {
    pub(super) async fn load(store: &Store, portal: PortalId) -> Result<Self, StoreFault> {
        // Books that an older version wrote, or nobody, begin anew.
        let operating = store
            .pace(portal)
            .await?
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        Ok(Self {
            operating,
            share: Share::default(),
            steady: false,
        })
    }
}

impl Portal {
    /// Waits until the request may be sent, and books it in the shared bucket.
    pub(super) async fn wait_for_room(&self, load: &Load) -> Result<(), CallFailure> {
        if self.is_stopping() {
            return Err(CallFailure::Stopped);
        }
        if let Some(wait) = self.wait_for(load) {
            let why = Hindrance::ExecutionTime(wait.method);
            self.rest_until(wait.until, why).await?;
        }
        loop {
            let (plan, now) = (self.plan(), self.now());
            let (steady, free_at) = {
                let pace = self.pace();
                (pace.steady, pace.share.free_at(plan, now))
            };
            if !steady || free_at <= now {
                break;
            }
            self.rest_until(free_at, Hindrance::Share).await?;
        }
        while let Err(room_at) = self.bucket().take(self.now()).await? {
            self.rest_until(room_at, Hindrance::RequestBucket).await?;
        }
        let (plan, now) = (self.plan(), self.now());
        self.pace().share.sent(plan, now);
        Ok(())
    }

    /// Waits until a call of `method` may be sent, and takes the room for it: the call itself then goes
    /// out with [`super::Repeat::AtOnce`].
    ///
    /// # Errors
    /// A [`CallFailure`].
    pub async fn take_room(&self, method: &'static str) -> Result<(), CallFailure> {
        self.wait_for_room(&Load::call(method)).await
    }

    /// In a steady stream of work a part of the request rate is left to others (`share`, over any minute);
    /// a backlog is worked off at full speed. Whoever knows which of them it is says so here.
    pub fn set_steady(&self, steady: bool) {
        self.pace().steady = steady;
    }

    pub(super) async fn bucket_overflowed(&self) -> Result<(), StoreFault> {
        self.bucket().overflowed(self.now()).await
    }

    /// How many requests are in the portal's bucket, as far as this store knows.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn bucket_level(&self) -> Result<f64, StoreFault> {
        self.bucket().level(self.now()).await
    }

    fn bucket(&self) -> SharedBucket<'_> {
        let endpoint = self.session().endpoint.clone();
        SharedBucket::of(self.store(), &endpoint, &self.config)
    }

    pub(super) async fn learn_from_call(
        &self,
        method: &'static str,
        reply: &Reply,
    ) -> Result<(), StoreFault> {
        let now = self.now();
        self.book(|books| books.observe_call(method, reply.time, now))
            .await
    }

    pub(super) async fn learn_from_batch(&self, answer: &BatchAnswer) -> Result<(), StoreFault> {
        let (plan, now) = (self.plan(), self.now());
        self.book(|books| {
            books.observe_batch(answer, now);
            for method in answer.failed_methods(&Problem::MethodBlocked) {
                books.blocked(method, plan, now);
            }
        })
        .await
    }

    /// The portal refused a call for its execution time.
    pub(super) async fn learn_of_block(&self, method: &str) -> Result<(), StoreFault> {
        let (plan, now) = (self.plan(), self.now());
        self.book(|books| {
            books.blocked(method, plan, now);
        })
        .await
    }

    /// A request that was sent at `sent` brought no usable answer.
    pub(super) async fn learn_of_loss(
        &self,
        load: &Load,
        sent: Timestamp,
    ) -> Result<(), StoreFault> {
        let now = self.now();
        self.book(|books| books.lost(load, seconds_between(sent, now), now))
            .await
    }

    async fn book(&self, change: impl FnOnce(&mut Operating)) -> Result<(), StoreFault> {
        let text = {
            let mut pace = self.pace();
            change(&mut pace.operating);
            serde_json::to_string(&pace.operating)
        };
        match text {
            Ok(text) => self.store().set_pace(self.id, &text).await,
            Err(_) => Ok(()),
        }
    }

    /// How long one command takes on this portal, in seconds, as far as was measured.
    #[must_use]
    pub fn cost(&self, step: Step) -> f64 {
        self.pace().operating.cost(step)
    }

    /// How many contacts fit the next request, `most` at most. Where none fit now, `most`: the request
    /// waits for its room.
    #[must_use]
    pub fn writes_that_fit(&self, most: usize) -> usize {
        let (plan, now) = (self.plan(), self.now());
        let family = self.contacts();
        let fit = self
            .pace()
            .operating
            .writes_that_fit(most, family, plan, now);
        match fit {
            0 => most,
            some => some,
        }
    }

    /// Until when, and why, contacts cannot be written; none where nothing is in the way for longer
    /// than the patience reaches.
    #[must_use]
    pub fn writes_wait(&self) -> Option<(Timestamp, Hindrance)> {
        let wait = self.wait_for(&Load::writing(1, self.contacts()))?;
        let patience = self.session().patience.longest_wait;
        let far = wait.until > after(self.now(), patience);
        far.then_some((wait.until, Hindrance::ExecutionTime(wait.method)))
    }

    /// When the portal lets a method run again; none where nothing is in the way.
    #[must_use]
    pub fn blocked_until(&self, method: &'static str) -> Option<Timestamp> {
        self.wait_for(&Load::call(method)).map(|wait| wait.until)
    }

    fn wait_for(&self, load: &Load) -> Option<Wait> {
        let (plan, now) = (self.plan(), self.now());
        self.pace().operating.wait_for(load, plan, now)
    }

    fn plan(&self) -> Plan {
        plan(&self.config)
    }
}
