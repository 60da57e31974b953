//! A portal's request bucket, which all processes on the store share.

use jiff::Timestamp;
use url::Url;

use crate::{
    bitrix::limits::{Bucket, Plan},
    config::PortalConfig,
    store::{Store, StoreFault},
};

/// The bucket in the store for one portal's address.
pub(super) struct SharedBucket<'a> {
    store: &'a Store,
    host: String,
    plan: Plan,
}

/// The numbers of the portal's plan, as configured.
pub(super) fn plan(config: &PortalConfig) -> Plan {
    Plan {
        burst: config.burst,
        rate: config.rate,
        share: config.share,
        operating_limit: config.operating_limit,
    }
}

impl<'a> SharedBucket<'a> {
    /// The bucket of the portal that answers at `endpoint`.
    pub(super) fn of(store: &'a Store, endpoint: &Url, config: &PortalConfig) -> Self {
        let host = match (endpoint.host_str(), endpoint.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        Self {
            store,
            host,
            plan: plan(config),
        }
    }

    /// Books a request; or tells when there is room for it.
    pub(super) async fn take(&self, now: Timestamp) -> Result<Result<(), Timestamp>, StoreFault> {
        let plan = self.plan;
        self.with(now, move |bucket| bucket.take(plan, now)).await
    }

    /// The portal said that its bucket is full.
    pub(super) async fn overflowed(&self, now: Timestamp) -> Result<(), StoreFault> {
        let plan = self.plan;
        self.with(now, move |bucket| bucket.overflowed(plan, now))
            .await
    }

    /// How many requests are in it, as far as this store knows.
    pub(super) async fn level(&self, now: Timestamp) -> Result<f64, StoreFault> {
        let plan = self.plan;
        self.with(now, move |bucket| bucket.level_at(plan, now))
            .await
    }

    async fn with<T: Send + 'static>(
        &self,
        now: Timestamp,
        step: impl Fn(&mut Bucket) -> T + Send + 'static,
    ) -> Result<T, StoreFault> {
        self.store
            .with_bucket(&self.host, move |before| {
                let before = before.map(|(level, as_of)| Bucket { level, as_of });
                let mut bucket = before.unwrap_or(Bucket::empty(now));
                let answer = step(&mut bucket);
                ((bucket.level, bucket.as_of), answer)
            })
            .await
    }
}
