//! The kinds of conditions: who acts, and whether they stop work.

use super::Acts;

/// What can be other than it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Nobody has authorised the portal yet.
    NoTokens,
    /// The pair of tokens is used up.
    TokensDead,
    /// The application's secret is missing, or not accepted.
    ClientSecret,
    /// The application was deleted, or is not installed.
    AppRemoved,
    /// The account is no administrator.
    NotAdmin,
    /// The account may not use the application any more.
    AccountDismissed,
    /// The application has too few rights.
    Scope,
    /// The plan, or the application, is not paid for.
    Plan,
    /// The portal was deleted.
    PortalGone,
    /// The tokens are those of another portal.
    OtherPortal,
    /// No contact can be read.
    NoReadRight,
    /// No contact can be written.
    NoWriteRight,
    /// The portal answers elsewhere.
    Moved,
    /// No connection to the portal.
    Unreachable,
    /// The portal's name is not found.
    Dns,
    /// The connection cannot be trusted.
    Tls,
    /// The proxy stands in the way.
    Proxy,
    /// The authorisation server is away.
    AuthServer,
    /// The portal answers with faults.
    PortalFails,
    /// The request limit is reached.
    RateLimited,
    /// The vendor's support has blocked REST.
    Overloaded,
    /// A method's execution time is used up.
    TimeBlocked,
    /// The contact events are not bound.
    Unbound,
    /// Changes may have passed us by.
    Gap,
    /// Work waits.
    Behind,
    /// Somebody else takes from our queue.
    ForeignRows,
    /// Single contacts are refused.
    Refused,
    /// Another robot changes names back.
    Contested,
    /// The limit of changes is reached.
    Brake,
    /// Paused by a person.
    Paused,
    /// The host's clock is wrong.
    Clock,
    /// The state file is missing or cannot be used.
    StateFile,
    /// The state file was removed while it was in use.
    StateDeleted,
    /// No room on the disk.
    DiskFull,
    /// Another process keeps the state file locked.
    StateLocked,
    /// The configuration was refused.
    Configuration,
    /// Nobody drains.
    NotRunning,
    /// The metrics file cannot be written.
    Metrics,
    /// The heartbeat does not get through.
    Heartbeat,
}

impl Kind {
    /// Every kind, in the order of the README's table.
    pub const ALL: [Self; 39] = [
        Self::NoTokens,
        Self::TokensDead,
        Self::ClientSecret,
        Self::AppRemoved,
        Self::NotAdmin,
        Self::AccountDismissed,
        Self::Scope,
        Self::Plan,
        Self::PortalGone,
        Self::OtherPortal,
        Self::NoReadRight,
        Self::NoWriteRight,
        Self::Moved,
        Self::Unreachable,
        Self::Dns,
        Self::Tls,
        Self::Proxy,
        Self::AuthServer,
        Self::PortalFails,
        Self::RateLimited,
        Self::Overloaded,
        Self::TimeBlocked,
        Self::Unbound,
        Self::Gap,
        Self::Behind,
        Self::ForeignRows,
        Self::Refused,
        Self::Contested,
        Self::Brake,
        Self::Paused,
        Self::Clock,
        Self::StateFile,
        Self::StateDeleted,
        Self::DiskFull,
        Self::StateLocked,
        Self::Configuration,
        Self::NotRunning,
        Self::Metrics,
        Self::Heartbeat,
    ];

    /// Who acts, unless whoever finds it knows better.
    #[must_use]
    pub fn acts(self) -> Acts {
        match self {
            Self::Unreachable
            | Self::Dns
            | Self::AuthServer
            | Self::PortalFails
            | Self::RateLimited
            | Self::Overloaded
            | Self::TimeBlocked
            | Self::Gap
            | Self::Behind
            | Self::StateLocked => Acts::Program,
            _ => Acts::Person,
        }
    }

    /// Whether nothing is worked on while it lasts. What becomes so with time alone, does not count.
    #[must_use]
    pub fn stops_work(self) -> bool {
        self.is_refusal()
            || matches!(
                self,
                Self::Brake
                    | Self::StateFile
                    | Self::StateDeleted
                    | Self::DiskFull
                    | Self::Configuration
            )
    }

    /// Whether the portal or the authorisation server refuses us, or contacts are refused throughout.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        self <= Self::NoWriteRight
    }

    /// Whether it is on the way to the portal, or there.
    #[must_use]
    pub fn is_on_the_way(self) -> bool {
        (Self::Unreachable..=Self::PortalFails).contains(&self)
    }

    /// Whether it is the host's, and no portal's.
    #[must_use]
    pub fn is_of_host(self) -> bool {
        (Self::StateFile..=Self::Heartbeat).contains(&self)
    }
}
