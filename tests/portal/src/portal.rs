//! The handle by which tests and examples hold a portal.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::clock::PortalClock;
use crate::hands::control;
use crate::log::Server;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::state::State;
use crate::wire::exchange::{self, Door};
use crate::wire::message::{Answer, Request};
use crate::wire::server;

/// Ends the servers when the last handle goes.
pub(crate) struct Stop {
    sender: watch::Sender<bool>,
    /// Where the servers run; `None` for a portal without sockets.
    runtime: Option<Handle>,
}

/// A running portal with its authorisation server and its control interface, each on its own
/// loopback port, or none of them ([`Portal::unserved`]). Clones are handles to the same portal; it
/// ends with the last of them, or by [`Portal::stop`].
#[derive(Clone)]
pub struct Portal {
    pub(crate) shared: Arc<Shared>,
    stop: Arc<Stop>,
}

impl Portal {
    /// Starts a portal on free loopback ports.
    ///
    /// # Errors
    /// Where no socket can be had.
    pub async fn start(settings: Settings, clock: Arc<dyn PortalClock>) -> io::Result<Self> {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start_on(settings, clock, free, free, free).await
    }

    /// Starts a portal on these addresses (port 0: any free one).
    ///
    /// # Errors
    /// Where a socket cannot be had.
    pub async fn start_on(
        settings: Settings,
        clock: Arc<dyn PortalClock>,
        portal_addr: SocketAddr,
        oauth_addr: SocketAddr,
        control_addr: SocketAddr,
    ) -> io::Result<Self> {
        let (portal_listener, portal_addr) = server::bind(portal_addr)?;
        let (oauth_listener, oauth_addr) = server::bind(oauth_addr)?;
        let (control_listener, control_addr) = server::bind(control_addr)?;
        let mut state = State::new(settings);
        state.addresses.portals = vec![format!("http://{portal_addr}")];
        state.addresses.oauth = format!("http://{oauth_addr}");
        state.addresses.control = format!("http://{control_addr}");
        let portal = Self::with(state, clock, Some(Handle::current()));
        portal.serve(portal_listener, Server::Portal, 0);
        portal.serve(oauth_listener, Server::OAuth, 0);
        portal.serve_control(control_listener);
        Ok(portal)
    }

    /// A portal without sockets, for whoever carries requests by hand ([`Portal::handle`]). The
    /// addresses (`https://acme.example`) are what it gives out as its own. With
    /// [`Settings::seed`] and a clock that waits nowhere, all that it does can be repeated.
    #[must_use]
    pub fn unserved(
        settings: Settings,
        clock: Arc<dyn PortalClock>,
        portal: &str,
        oauth: &str,
    ) -> Self {
        let mut state = State::new(settings);
        state.addresses.portals = vec![portal.to_owned()];
        oauth.clone_into(&mut state.addresses.oauth);
        Self::with(state, clock, None)
    }

    fn with(state: State, clock: Arc<dyn PortalClock>, runtime: Option<Handle>) -> Self {
        let (sender, _) = watch::channel(false);
        let portal = Self {
            shared: Arc::new(Shared::new(clock, state)),
            stop: Arc::new(Stop { sender, runtime }),
        };
        // The first and only setting of the cell.
        let _ = portal.shared.stop.set(Arc::downgrade(&portal.stop));
        portal
    }

    /// Answers a request that was sent to `address` (scheme, host and port), one of the portal's
    /// present and past addresses or the authorisation server's. `None`: no answer comes, and the
    /// connection closes (or nobody is there).
    pub async fn handle(&self, address: &str, from: IpAddr, request: Request) -> Option<Answer> {
        let door = self.door(address)?;
        exchange::serve(Arc::clone(&self.shared), door, from, request).await
    }

    fn door(&self, address: &str) -> Option<Door> {
        let state = self.shared.state();
        let portals = state.addresses.portals.iter();
        if let Some(generation) = portals.into_iter().position(|known| known == address) {
            return Some(Door {
                server: Server::Portal,
                generation,
            });
        }
        (state.addresses.oauth == address).then_some(Door {
            server: Server::OAuth,
            generation: 0,
        })
    }

    fn serve(&self, listener: tokio::net::TcpListener, server: Server, generation: usize) {
        let shared = Arc::clone(&self.shared);
        let door = Door { server, generation };
        let handler = move |from, request| {
            let shared = Arc::clone(&shared);
            async move {
                let request = server::read(request).await?;
                let clock = Arc::clone(&shared.clock);
                let answer = exchange::serve(shared, door, from, request).await?;
                Some(server::response(answer, clock))
            }
        };
        self.spawn(server::listen(
            listener,
            handler,
            self.stop.sender.subscribe(),
        ));
    }

    fn serve_control(&self, listener: tokio::net::TcpListener) {
        let router = control::router(Arc::clone(&self.shared));
        let handler = move |_from, request| server::route(router.clone(), request);
        self.spawn(server::listen(
            listener,
            handler,
            self.stop.sender.subscribe(),
        ));
    }

    fn spawn(&self, listening: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.stop.runtime {
            runtime.spawn(listening);
        }
    }

    pub(crate) fn from_parts(shared: Arc<Shared>, stop: Arc<Stop>) -> Self {
        Self { shared, stop }
    }

    /// Ends all three servers and their connections.
    pub fn stop(&self) {
        self.stop.sender.send_replace(true);
    }

    pub(crate) fn now(&self) -> f64 {
        self.shared.clock.now()
    }

    /// Moves the portal to a new loopback address, which is answered; the old one answers 302 from
    /// now on. Tokens that are issued from now on name the new address, unless
    /// [`Settings::client_endpoint`] says otherwise.
    ///
    /// # Errors
    /// Where no socket can be had, and for a portal without sockets.
    pub fn try_rename_host(&self) -> io::Result<String> {
        let runtime = self.stop.runtime.as_ref();
        let runtime = runtime.ok_or_else(|| io::Error::other("this portal has no sockets"))?;
        let _runtime = runtime.enter();
        let (listener, address) = server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let url = format!("http://{address}");
        let generation = self.rename_to(&url);
        self.serve(listener, Server::Portal, generation);
        Ok(url)
    }

    /// [`Portal::try_rename_host`]; where no socket can be had, the portal stays where it is.
    pub fn rename_host(&self) -> String {
        self.try_rename_host().unwrap_or_else(|_| self.url())
    }

    /// Gives a portal without sockets a new address; answers how often it has been renamed.
    pub fn rename_to(&self, address: &str) -> usize {
        let mut state = self.shared.state();
        state.addresses.portals.push(address.to_owned());
        state.addresses.generation()
    }
}
