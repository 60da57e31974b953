//! Why a call brought no result, as the conditions of a portal: the one place that turns what the portal,
//! the authorisation server and the way to them said into kinds.

use super::{CallFailure, Hindrance, Lost, PutOff};
use crate::{
    bitrix::{
        Bar, Barred, Fault, Problem,
        application::Unfit,
        network::{Distrust, Leg},
        oauth::GrantProblem,
    },
    condition::{Acts, Kind, Trouble},
};

/// The application is there, but was never opened.
const OPEN_IT: &str =
    "open the application once in the portal, or set \"uses API only\" in its settings";

/// An administrator has to allow the method.
const APPROVE: &str = "have an administrator approve the method in the portal";

impl CallFailure {
    /// What it says of the portal; none where it says nothing: a stop was asked for, or the fault is the
    /// state file's.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Problem(problem) => Some(problem_trouble(problem)),
            Self::AuthorisationLost(lost) => Some(lost_trouble(lost)),
            Self::RenewalPutOff(put_off) => put_off_trouble(put_off),
            Self::MustWait { until, why } => {
                let kind = match why {
                    Hindrance::RequestBucket | Hindrance::Share => Kind::RateLimited,
                    Hindrance::ExecutionTime(_) => Kind::TimeBlocked,
                    Hindrance::Renewal(_) | Hindrance::Other(_) => Kind::Behind,
                };
                Some(Trouble::said(kind, why.to_string()).tried_again_at(*until))
            }
            Self::Stopped | Self::Store(_) => None,
        }
    }
}

/// What a problem says of the portal.
#[must_use]
pub fn problem_trouble(problem: &Problem) -> Trouble {
    let fails = |said: String| Trouble::said(Kind::PortalFails, said);
    match problem {
        Problem::Unauthorised(barred) => barred_trouble(barred),
        Problem::TokenUnknown(said) => Trouble::said(Kind::TokensDead, said.to_string()),
        Problem::TokenExpired => Trouble::new(Kind::TokensDead),
        Problem::RateLimited => Trouble::new(Kind::RateLimited),
        Problem::MethodBlocked => Trouble::new(Kind::TimeBlocked),
        Problem::Overload(said) => Trouble::said(Kind::Overloaded, said.to_string()),
        Problem::Unreachable(fault) | Problem::Unanswered(fault) => {
            fault_trouble(fault, Kind::Unreachable)
        }
        Problem::Moved(url) => Trouble::said(Kind::Moved, url.to_string()),
        Problem::Misdirected(elsewhere) => {
            let to = &elsewhere.to;
            Trouble::said(Kind::Moved, elsewhere.to_string())
                .acted_on_by(Acts::Person)
                .with_remedy(format!(
                    "if the portal was renamed, set `url` to \"https://{to}\" in the configuration, \
                     and run `systemctl reload b24-tidyd`"
                ))
        }
        Problem::Licence(said) => fails(format!("its plan lacks a feature: {said}")),
        Problem::NotOffered(said) => Trouble::said(Kind::Scope, said.to_string()),
        Problem::Failed(said) => fails(said.to_string()),
        Problem::Unclear(what) => fails(format!("its answer is not understood: {what}")),
        other => fails(other.to_string()),
    }
}

/// Who refuses us, and why.
fn barred_trouble(barred: &Barred) -> Trouble {
    of_bar(barred.bar, barred.to_string())
}

fn of_bar(bar: Bar, said: String) -> Trouble {
    let (kind, remedy) = match bar {
        Bar::TokensDead | Bar::Webhook => (Kind::TokensDead, None),
        Bar::ClientSecret => (Kind::ClientSecret, None),
        Bar::AppRemoved => (Kind::AppRemoved, None),
        Bar::NotInstalled => (Kind::AppRemoved, Some(OPEN_IT)),
        Bar::NotAdmin => (Kind::NotAdmin, None),
        Bar::AccountDismissed => (Kind::AccountDismissed, None),
        Bar::Scope | Bar::MethodUnknown => (Kind::Scope, None),
        Bar::Unconfirmed => (Kind::Scope, Some(APPROVE)),
        Bar::Plan => (Kind::Plan, None),
        Bar::PortalDeleted => (Kind::PortalGone, None),
        Bar::OtherPortal => (Kind::OtherPortal, None),
    };
    let trouble = Trouble::said(kind, said);
    match remedy {
        Some(remedy) => trouble.with_remedy(remedy),
        None => trouble,
    }
}

/// What an application or an account that is not fit says of the portal.
#[must_use]
pub fn unfit_trouble(unfit: &Unfit) -> Trouble {
    let said = unfit
        .text
        .split_once("; ")
        .map_or(unfit.text.as_str(), |it| it.0);
    of_bar(unfit.bar, said.to_owned())
}

fn lost_trouble(lost: &Lost) -> Trouble {
    // The remedy stands behind a semicolon, for those who read the text alone.
    let said = lost
        .text
        .split_once("; ")
        .map_or(lost.text.as_str(), |it| it.0);
    match lost.bar {
        Bar::ClientSecret => Trouble::said(
            Kind::ClientSecret,
            format!("{said}; the application may also have been removed from the portal"),
        ),
        Bar::OtherPortal => Trouble::said(Kind::OtherPortal, said),
        _ => Trouble::said(Kind::TokensDead, said),
    }
}

fn put_off_trouble(put_off: &PutOff) -> Option<Trouble> {
    match put_off {
        PutOff::Server(problem) => Some(grant_trouble(problem)),
        // Somebody is at it.
        PutOff::Elsewhere(_) => None,
        PutOff::NoAddress => Some(Trouble::said(Kind::AuthServer, put_off.to_string())),
    }
}

fn grant_trouble(problem: &GrantProblem) -> Trouble {
    match problem {
        GrantProblem::Unreachable(fault) | GrantProblem::Unanswered(fault) => {
            fault_trouble(fault, Kind::AuthServer)
        }
        GrantProblem::Barred(barred) => barred_trouble(barred),
        GrantProblem::InvalidClient(said) => Trouble::said(Kind::ClientSecret, said.to_string()),
        GrantProblem::InvalidGrant(said) => Trouble::said(Kind::TokensDead, said.to_string()),
        GrantProblem::Unclear { .. } | GrantProblem::Passing { .. } => {
            Trouble::said(Kind::AuthServer, problem.to_string())
        }
    }
}

/// A fault on the way, `otherwise` where it is none of name, proxy and trust.
fn fault_trouble(fault: &Fault, otherwise: Kind) -> Trouble {
    let kind = match fault.leg {
        Leg::Name => Kind::Dns,
        Leg::Proxy => Kind::Proxy,
        Leg::Tls(_) => Kind::Tls,
        Leg::Connection | Leg::Answer => otherwise,
    };
    let trouble = Trouble::said(kind, fault.to_string());
    match fault.leg {
        Leg::Tls(Distrust::Expired | Distrust::NotYetValid) => trouble.with_remedy(
            "look at this host's clock (`timedatectl`); if it is right, the certificate has to be renewed",
        ),
        Leg::Tls(Distrust::OtherName) => {
            trouble.with_remedy("correct `url` in the configuration, or have the certificate mended")
        }
        Leg::Tls(Distrust::UnknownAuthority) => trouble.with_remedy(
            "install `ca-certificates`, or name your own authority's file as `[network] ca_file`",
        ),
        _ => trouble,
    }
}
