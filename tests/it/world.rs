//! A world to test in: a test portal and a client that share one injected clock, and a real store.

use std::{
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, Wake},
    time::Duration,
};

use b24_tidyd::{
    bitrix::Transport,
    cli::desk::Desk,
    clock::{Clock, Pause, SharedClock},
    config::PortalConfig,
    drain::{Drain, DrainFailure, Summary},
    portal::{Context, Patience, Portal as Authorised},
    service::{PortalReport, drain_once},
    store::{PortalId, Store, Tokens},
};
use jiff::Timestamp;
use tempfile::TempDir;
use test_portal::{ManualClock, Portal, PortalClock, Settings, Universal};
use tokio_util::sync::CancellationToken;

/// The clock that portal and client share.
#[derive(Clone)]
pub(crate) struct TestClock(pub(crate) ManualClock);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanosecond((PortalClock::now(&self.0) * 1e9) as i128).unwrap()
    }

    fn sleep_until(&self, moment: Timestamp) -> Pause<'_> {
        Box::pin(async move {
            let seconds = moment.duration_since(self.now()).as_secs_f64();
            if seconds > 0.0 {
                // A little more than asked for, so that rounding never leaves us just before it.
                self.0.advance(seconds + 1e-6);
            }
            tokio::task::yield_now().await;
        })
    }

    fn alarm_at(&self, moment: Timestamp) -> Pause<'_> {
        Box::pin(async move {
            while self.now() < moment {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
    }
}

/// A portal, a store and a clock.
pub(crate) struct World {
    pub(crate) portal: Portal,
    pub(crate) clock: TestClock,
    pub(crate) folder: TempDir,
    pub(crate) config: PortalConfig,
    pub(crate) context: Context,
}

/// Events reserved per call, unless a test chooses otherwise.
pub(crate) const LIMIT: u32 = 1000;

impl World {
    /// A world whose portal knows the classic methods for contacts alone.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose portal knows both families of methods for contacts.
    pub(crate) async fn universal() -> Self {
        Self::with(|settings| settings.universal = Universal::Complete).await
    }

    /// The same as [`World::new`], with settings that are changed first.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            universal: Universal::NoMethods,
            ..Settings::default()
        };
        change(&mut settings);
        let clock = TestClock(ManualClock::default());
        let portal = Portal::start(settings, Arc::new(clock.0.clone()))
            .await
            .unwrap();
        let folder = fast_folder();
        let store = Store::open_or_create(&folder.path().join("state.db"))
            .await
            .unwrap();
        let shared: SharedClock = Arc::new(clock.clone());
        let transport = Transport::new(shared.clone()).unwrap();
        let context = Context::over(store, transport, shared, CancellationToken::new());
        let config = portal_config(&portal, folder.path());
        let world = Self {
            portal,
            clock,
            folder,
            config,
            context,
        };
        world.authorise();
        world
    }

    /// Stores freshly issued tokens, as an import does.
    pub(crate) fn authorise(&self) -> PortalId {
        let grant = self.portal.authorise();
        let text = |key: &str| grant[key].as_str().unwrap().to_owned();
        let tokens = Tokens {
            member_id: text("member_id"),
            endpoint: text("client_endpoint"),
            server_endpoint: None,
            access: text("access_token").into(),
            refresh: text("refresh_token").into(),
            access_expires_at: None,
            user_id: Some(1),
        };
        let url = self.config.url.as_str();
        let now = self.context.clock.now();
        self.context
            .store
            .store_tokens(&self.config.client_id, url, &tokens, None, now)
            .awaited()
            .unwrap()
    }

    /// The store's number of the portal.
    pub(crate) fn id(&self) -> PortalId {
        self.record().id
    }

    /// The portal as the store knows it.
    pub(crate) fn record(&self) -> b24_tidyd::store::PortalRecord {
        let url = self.config.url.as_str();
        self.context
            .store
            .find_portal(url, &self.config.client_id)
            .awaited()
            .unwrap()
            .unwrap()
    }

    /// A drain as a new process would have it.
    pub(crate) fn drain(&self) -> Drain {
        let config = Arc::new(self.config.clone());
        let patience = Patience { longest_wait: 60.0 };
        let portal = Authorised::open(self.context.clone(), config, &self.record(), patience)
            .awaited()
            .unwrap();
        Drain::new(portal, LIMIT)
    }

    /// One pass of a new process.
    pub(crate) async fn pass(&self) -> Result<Summary, DrainFailure> {
        self.drain().pass(&mut |_| {}).await
    }

    /// `run --once` of a new process.
    pub(crate) async fn once(&self) -> PortalReport {
        let config = Arc::new(self.config.clone());
        drain_once(
            &self.context,
            config,
            LIMIT,
            Duration::from_secs(60),
            &mut |_| {},
        )
        .await
    }

    /// The configuration file as it was first; a test may append to it.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// What a command works with.
    pub(crate) fn desk(&self) -> Desk {
        Desk::open(
            vec![self.config.clone()],
            self.folder.path().join("state.db"),
            self.context.clock.clone(),
            self.context.stop.clone(),
        )
        .awaited()
        .unwrap()
    }

    /// Binds the events by a first pass, and forgets what that took.
    pub(crate) async fn bound(self) -> Self {
        self.pass().await.unwrap();
        self.portal.clear_requests();
        self
    }

    /// The same world for a new process: the state file is opened anew, no stop is asked for.
    pub(crate) fn restarted(mut self) -> Self {
        self.context.store = Store::open(self.context.store.path()).awaited().unwrap();
        self.context.stop = CancellationToken::new();
        self
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, seconds: f64) {
        self.clock.0.advance(seconds);
    }

    /// The time, in seconds.
    pub(crate) fn clock_seconds(&self) -> f64 {
        PortalClock::now(&self.clock.0)
    }

    /// The names of a contact, missing ones empty.
    pub(crate) fn names(&self, id: u64) -> [String; 3] {
        let contact = self.portal.contact(id).unwrap();
        [contact.name, contact.second_name, contact.last_name].map(Option::unwrap_or_default)
    }

    /// Nothing is left in the queue or in the store, and the referee saw no promise broken.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.portal.queue(), [], "the queue is not empty");
        let queue = b24_tidyd::store::QueueKey {
            portal: self.id(),
            connector: self
                .config
                .connector
                .as_ref()
                .map(|c| c.as_str().to_owned())
                .unwrap_or_default(),
        };
        assert_eq!(
            self.context.store.open_events(&queue).awaited().unwrap(),
            [],
            "rows are open in the store"
        );
        assert_eq!(self.portal.violations(), [] as [String; 0]);
        assert_eq!(
            self.portal.owed_contacts(),
            [] as [u64; 0],
            "taken, not read"
        );
    }
}

/// For what the state file answers where a test is not `async`: its thread needs nothing from ours.
pub(crate) trait Awaited: Future + Sized {
    /// Waits for the answer.
    fn awaited(self) -> Self::Output {
        struct Thread(std::thread::Thread);
        impl Wake for Thread {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Arc::new(Thread(std::thread::current())).into();
        // A task's budget, once used up, would have it wait for a runtime that waits for it.
        let mut future = pin!(tokio::task::unconstrained(self));
        loop {
            if let Poll::Ready(answer) = future.as_mut().poll(&mut TaskContext::from_waker(&waker))
            {
                return answer;
            }
            std::thread::park();
        }
    }
}

impl<F: Future> Awaited for F {}

/// A folder in memory where there is one: thousands of commits that reach a disk take minutes.
pub(crate) fn fast_folder() -> TempDir {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .unwrap()
}

/// Writes the configuration that fits a test portal into a folder, and reads it.
fn portal_config(portal: &Portal, folder: &Path) -> PortalConfig {
    let file = folder.join("config.toml");
    let secret = folder.join("secret");
    std::fs::write(&secret, portal.client_secret()).unwrap();
    let mut private = std::fs::metadata(&secret).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut private, 0o600);
    std::fs::set_permissions(&secret, private).unwrap();
    let text = format!(
        "[app]\nclient_id = {:?}\nclient_secret_file = \"secret\"\noauth_url = {:?}\n\
         [store]\npath = \"state.db\"\n[[portal]]\nname = \"acme\"\nurl = {:?}\n",
        portal.client_id(),
        portal.oauth_url(),
        portal.url()
    );
    std::fs::write(&file, text).unwrap();
    let config =
        b24_tidyd::config::Config::load(&file, &b24_tidyd::config::ProcessEnvironment).unwrap();
    config.portals.into_iter().next().unwrap()
}
