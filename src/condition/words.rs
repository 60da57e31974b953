//! The words of every kind, as the program prints them and as the README's table has them.

use std::fmt::Write as _;

use super::{Acts, Kind};

/// What is said of a kind of condition.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// Its name in answers and metrics.
    pub name: &'static str,
    /// What is so: how the text of such a condition begins.
    pub says: &'static str,
    /// Why it may be so.
    pub why: &'static str,
    /// What a person does about it; `NAME` stands for the portal's name.
    pub remedy: &'static str,
}

impl Kind {
    /// The name in answers and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        of(self).name
    }

    /// The kind of that name; none where a newer version has written it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What is so, without what the other side said.
    #[must_use]
    pub fn says(self) -> &'static str {
        of(self).says
    }

    /// What a person usually does about it, as it has to be typed for the portal of that name.
    #[must_use]
    pub fn remedy(self, portal: Option<&str>) -> String {
        for_portal(of(self).remedy, portal)
    }
}

/// A remedy as it has to be typed for the portal of that name.
pub(super) fn for_portal(remedy: &str, portal: Option<&str>) -> String {
    let Some(portal) = portal else {
        return remedy.replace(" --portal NAME", "");
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if portal.chars().all(plain) {
        remedy.replace("NAME", portal)
    } else {
        // As a shell takes it.
        remedy.replace("NAME", &format!("'{}'", portal.replace('\'', r"'\''")))
    }
}

/// The README's table of all kinds, in Markdown.
#[must_use]
pub fn table() -> String {
    let mut table = "| it says | why | what to do |\n| --- | --- | --- |\n".to_owned();
    for kind in Kind::ALL {
        let Words {
            name,
            says,
            why,
            remedy,
        } = of(kind);
        let remedy = match kind.acts() {
            _ if remedy.starts_with("b24-tidyd ") => format!("`{remedy}`"),
            Acts::Person => remedy.to_owned(),
            Acts::Program if remedy.is_empty() => "nothing".to_owned(),
            Acts::Program => format!("nothing at first; where it lasts: {remedy}"),
        };
        let _ = writeln!(table, "| {says} (`{name}`) | {why} | {remedy} |");
    }
    table
}

/// The words of one kind.
fn of(kind: Kind) -> Words {
    let (name, says, why, remedy) = match kind {
        Kind::NoTokens => (
            "no-tokens",
            "no tokens are stored",
            "nobody has authorised this program at the portal yet, or `url` or `client_id` is not the one it was authorised for",
            "b24-tidyd --portal NAME auth login",
        ),
        Kind::TokensDead => (
            "tokens-dead",
            "the tokens are no longer accepted",
            "another program renewed the pair, the state file was restored from a backup, or 180 days have passed",
            "b24-tidyd --portal NAME auth login",
        ),
        Kind::ClientSecret => (
            "client-secret",
            "the client secret is missing or not accepted",
            "it was changed in the portal, its file is away or open to others, or the application was removed",
            "write the application's secret from the portal into the file that `client_secret_file` names; a daemon reads it by itself, a systemd credential needs a restart",
        ),
        Kind::AppRemoved => (
            "app-removed",
            "the application is not there",
            "it was deleted in the portal, or was never opened and is not set to \"uses API only\"",
            "create the application anew in the portal, put its client_id and secret into the configuration, and run `b24-tidyd --portal NAME auth login`",
        ),
        Kind::NotAdmin => (
            "not-admin",
            "the account behind the tokens is no administrator",
            "only administrators may read the queue of events",
            "make the account an administrator in the portal, or authorise with an administrator's: `b24-tidyd --portal NAME auth login`",
        ),
        Kind::AccountDismissed => (
            "account-dismissed",
            "the account behind the tokens is not let in",
            "it was dismissed or blocked, or may not use the application any more",
            "authorise with another administrator's account: `b24-tidyd --portal NAME auth login`",
        ),
        Kind::Scope => (
            "scope",
            "the application lacks a right",
            "the scope `crm` is not ticked in its settings, or an administrator has to approve a method",
            "grant the scope `crm` in the application's settings in the portal, and authorise anew if that is not enough: `b24-tidyd --portal NAME auth login`",
        ),
        Kind::Plan => (
            "plan",
            "the plan or the application is not paid for",
            "a subscription ended, or the plan has no REST",
            "renew the subscription in the portal; work goes on by itself",
        ),
        Kind::PortalGone => (
            "portal-gone",
            "the portal was deleted",
            "its owner has deleted it, or the vendor has after a long time without payment",
            "remove its [[portal]] from the configuration, and run `systemctl reload b24-tidyd`",
        ),
        Kind::OtherPortal => (
            "other-portal",
            "the tokens belong to another portal",
            "`url` was changed in the configuration, or the tokens of another portal were imported",
            "correct `url` in the configuration, or authorise at this portal: `b24-tidyd --portal NAME auth login`",
        ),
        Kind::NoReadRight => (
            "no-read-right",
            "the account may not read any contact",
            "its role in the CRM was changed",
            "let the account read all contacts, in the CRM's access permissions",
        ),
        Kind::NoWriteRight => (
            "no-write-right",
            "the account may not change any contact",
            "its role in the CRM was changed",
            "let the account edit all contacts, in the CRM's access permissions",
        ),
        Kind::Moved => (
            "moved",
            "the portal answers from another address",
            "it was renamed, or its own domain was changed",
            "set `url` in the configuration to the new address, and run `systemctl reload b24-tidyd`",
        ),
        Kind::Unreachable => (
            "unreachable",
            "the portal cannot be reached",
            "no connection comes about, or it breaks: the network, a firewall, or the portal itself",
            "look at the network and the firewall of this host, with `b24-tidyd --portal NAME doctor`",
        ),
        Kind::Dns => (
            "dns",
            "the name of a host is not found",
            "the resolver of this host is away, or `url` is mistyped",
            "look at `url` in the configuration and at /etc/resolv.conf, with `b24-tidyd --portal NAME doctor`",
        ),
        Kind::Tls => (
            "tls",
            "the connection cannot be trusted",
            "the certificate has ended, is for another name, or comes from an authority that this host does not know",
            "have the certificate mended, or install `ca-certificates`, or name your own authority's file as `[network] ca_file`",
        ),
        Kind::Proxy => (
            "proxy",
            "the proxy is in the way",
            "it is away, refuses us, or its address is no address",
            "correct the proxy's address or its rules; the portal is never asked past it",
        ),
        Kind::AuthServer => (
            "auth-server",
            "the authorisation server does not answer",
            "it is away, or this host may not reach it; the tokens are as good as before",
            "look at the way to it, with `b24-tidyd --portal NAME doctor`",
        ),
        Kind::PortalFails => (
            "portal-fails",
            "the portal fails",
            "it answers with a fault of its own, or with something that is no answer",
            "open the portal in a browser; where it works there, ask the vendor's support",
        ),
        Kind::RateLimited => (
            "rate-limited",
            "the portal's request limit is reached",
            "other programs use up what the plan allows",
            "",
        ),
        Kind::Overloaded => (
            "overloaded",
            "the vendor has blocked REST on this portal",
            "its support does so where a portal was overloaded",
            "",
        ),
        Kind::TimeBlocked => (
            "time-blocked",
            "execution time at the portal is used up",
            "a method may use so much in ten minutes, for all programs of the application together",
            "",
        ),
        Kind::Unbound => (
            "unbound",
            "the contact events are not bound",
            "somebody removed the bindings, or the service has not run yet: changes go unrecorded",
            "b24-tidyd --portal NAME events bind",
        ),
        Kind::Gap => (
            "gap",
            "changes may have been missed",
            "the bindings, the application or the authorisation were away for a while; what changed meanwhile is looked for",
            "",
        ),
        Kind::Behind => (
            "behind",
            "contacts are waiting",
            "what is in the way stands beside it: a limit, a pause, a fault that passes",
            "",
        ),
        Kind::ForeignRows => (
            "foreign-rows",
            "somebody else takes from the queue",
            "another program of the same application, or another host, reserves or clears its rows",
            "stop the other program, or give one of the two an `auth_connector`; `b24-tidyd --portal NAME queue list` shows the rows",
        ),
        Kind::Refused => (
            "refused",
            "the portal refuses single contacts",
            "a required field is empty, a rule of the portal objects, or the account may not edit them",
            "b24-tidyd --portal NAME failures list",
        ),
        Kind::Contested => (
            "contested",
            "another robot changes names back",
            "a workflow or another program writes the same fields",
            "b24-tidyd --portal NAME failures list",
        ),
        Kind::Brake => (
            "brake",
            "max_changes_per_hour is reached",
            "so many contacts were changed within an hour that writing rests",
            "raise `max_changes_per_hour` in the configuration if so many changes are right, and run `systemctl reload b24-tidyd`",
        ),
        Kind::Paused => (
            "paused",
            "the portal is paused",
            "somebody ran `b24-tidyd pause`",
            "b24-tidyd --portal NAME resume",
        ),
        Kind::Clock => (
            "clock",
            "this host's clock is wrong",
            "nobody sets it",
            "timedatectl set-ntp true",
        ),
        Kind::StateFile => (
            "state-file",
            "the state file cannot be used",
            "there is none yet, its disk is not mounted, it is damaged, or the service's user may not write it",
            "b24-tidyd doctor",
        ),
        Kind::StateDeleted => (
            "state-deleted",
            "the state file is gone although it is in use",
            "somebody deleted or replaced it, or its disk was unmounted",
            "put the state file back from a backup, or authorise each portal anew",
        ),
        Kind::DiskFull => (
            "disk-full",
            "the disk of the state file is full",
            "something else fills it; nothing is lost meanwhile, and nothing is worked on",
            "free some space on that disk; work goes on by itself",
        ),
        Kind::StateLocked => (
            "state-locked",
            "another process keeps the state file locked",
            "a backup or an sqlite3 shell holds a transaction open",
            "end the process that holds it; `fuser` with the state file's name finds it",
        ),
        Kind::Configuration => (
            "configuration",
            "the configuration was refused",
            "it was changed and has a mistake; the daemon goes on with the one before",
            "b24-tidyd config check",
        ),
        Kind::NotRunning => (
            "not-running",
            "nobody drains",
            "the service is not running, and no timer has drained for a while",
            "systemctl start b24-tidyd",
        ),
        Kind::Metrics => (
            "metrics",
            "the metrics file cannot be written",
            "its folder is missing, or closed to the service's user",
            "let the service write there: the drop-in `metrics-textfile.conf`",
        ),
        Kind::Heartbeat => (
            "heartbeat",
            "the heartbeat does not get through",
            "`heartbeat_url` is wrong, or the monitoring service is away",
            "look at `heartbeat_url` in the configuration and at the monitoring service",
        ),
    };
    Words {
        name,
        says,
        why,
        remedy,
    }
}
