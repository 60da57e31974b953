//! The list of conditions as it is promised: kinds, who acts, what stops work, in which order; and the
//! README's table, which is made from the program's own words.

use std::{collections::BTreeSet, fs};

use b24_tidyd::{
    clock::after,
    condition::{Acts, Change, Condition, Kind, Trouble, changes, sort, table},
};
use jiff::Timestamp;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A condition that began so many seconds ago.
fn lasting(kind: Kind, seconds: f64) -> Condition {
    Trouble::new(kind)
        .since(after(NOW, -seconds), Some("acme"))
        .at(NOW, Some("acme"))
}

#[test]
fn every_kind_has_a_name_of_its_own_and_is_found_by_it() {
    let names: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), Kind::ALL.len());
    for kind in Kind::ALL {
        assert_eq!(Kind::named(kind.as_str()), Some(kind));
    }
    assert_eq!(Kind::named("hiccups"), None);
}

#[test]
fn who_acts_and_what_stops_work() {
    let (hour, days) = (3600.0, 2.0 * 86_400.0);
    let grave = |kind: Kind, seconds| lasting(kind, seconds).is_grave(NOW);
    let acts = |kind: Kind, seconds| lasting(kind, seconds).acts;
    for name in [
        "no-tokens",
        "tokens-dead",
        "client-secret",
        "app-removed",
        "not-admin",
        "account-dismissed",
        "scope",
        "plan",
        "portal-gone",
        "other-portal",
        "no-read-right",
        "no-write-right",
        "brake",
        "state-file",
        "state-deleted",
        "disk-full",
        "configuration",
    ] {
        assert!(grave(Kind::named(name).unwrap(), 0.0), "{name}");
    }
    for name in ["unreachable", "dns", "auth-server", "portal-fails"] {
        let kind = Kind::named(name).unwrap();
        assert_eq!(
            (acts(kind, hour), grave(kind, hour)),
            (Acts::Program, false),
            "{name}"
        );
        assert_eq!(
            (acts(kind, days), grave(kind, days)),
            (Acts::Person, true),
            "{name}"
        );
        assert_eq!(lasting(kind, hour).remedy, "", "{name}");
        assert_ne!(lasting(kind, days).remedy, "", "{name}");
    }
    for name in ["tls", "proxy"] {
        let kind = Kind::named(name).unwrap();
        assert_eq!(
            (acts(kind, hour), grave(kind, hour)),
            (Acts::Person, false),
            "{name}"
        );
        assert!(grave(kind, days), "{name}");
    }
    for name in [
        "rate-limited",
        "overloaded",
        "time-blocked",
        "gap",
        "behind",
    ] {
        let kind = Kind::named(name).unwrap();
        assert_eq!(
            (acts(kind, days), grave(kind, days)),
            (Acts::Program, false),
            "{name}"
        );
    }
    for name in [
        "moved",
        "unbound",
        "foreign-rows",
        "refused",
        "contested",
        "paused",
        "clock",
        "not-running",
        "metrics",
        "heartbeat",
    ] {
        let kind = Kind::named(name).unwrap();
        assert_eq!(
            (acts(kind, days), grave(kind, days)),
            (Acts::Person, false),
            "{name}"
        );
    }
    let locked = Kind::StateLocked;
    assert_eq!(
        (acts(locked, 59.0), grave(locked, 59.0)),
        (Acts::Program, false)
    );
    assert_eq!(
        (acts(locked, 60.0), grave(locked, 60.0)),
        (Acts::Person, true)
    );
}

#[test]
fn what_a_person_has_to_mend_comes_first_and_older_before_newer() {
    let mut list = vec![
        lasting(Kind::Gap, 900.0),
        lasting(Kind::Paused, 20.0),
        lasting(Kind::NotAdmin, 10.0),
        lasting(Kind::Refused, 30.0),
        lasting(Kind::Scope, 50.0),
        lasting(Kind::Unreachable, 60.0),
    ];
    sort(&mut list, NOW);
    let names: Vec<&str> = list.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(
        names,
        [
            "scope",
            "not-admin",
            "refused",
            "paused",
            "gap",
            "unreachable"
        ]
    );
}

#[test]
fn a_remedy_is_typed_for_the_portal_it_is_meant_for() {
    let of = |portal| Kind::NoTokens.remedy(portal);
    assert_eq!(of(Some("acme")), "b24-tidyd --portal acme auth login");
    assert_eq!(
        of(Some("my portal")),
        "b24-tidyd --portal 'my portal' auth login"
    );
    assert_eq!(
        Kind::Unbound.remedy(Some("b")),
        "b24-tidyd --portal b events bind"
    );
    for kind in Kind::ALL {
        let remedy = kind.remedy(kind.is_of_host().then_some("x"));
        assert!(
            kind.acts() == Acts::Program || !remedy.is_empty(),
            "{kind:?}"
        );
        assert!(!remedy.contains("NAME") || !kind.is_of_host(), "{kind:?}");
    }
}

#[test]
fn people_are_told_what_begins_changes_and_ends_and_nothing_twice() {
    let said = |kind, text: &str| Trouble::said(kind, text).since(NOW, None);
    let before = [
        said(Kind::PortalFails, "status 502, 3 times"),
        said(Kind::Gap, ""),
    ];
    let same = [
        said(Kind::PortalFails, "status 503, 9 times"),
        said(Kind::Gap, ""),
    ];
    assert_eq!(changes(&before, &same), []);
    let other = [said(Kind::PortalFails, "no JSON"), said(Kind::Paused, "")];
    assert_eq!(
        changes(&before, &other),
        [
            Change::Ended(&before[1]),
            Change::Changed(&other[0]),
            Change::Began(&other[1])
        ]
    );
}

/// Run with `B24_TIDYD_WRITE_README=1` to bring the README up to date.
#[test]
fn the_readme_has_the_programs_words() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(path).unwrap();
    let head = table().lines().next().unwrap().to_owned();
    let start = readme
        .find(&head)
        .expect("the README has the table of conditions");
    let end = start + readme[start..].find("\n\n").unwrap() + 1;
    if std::env::var_os("B24_TIDYD_WRITE_README").is_some() {
        let new = format!("{}{}{}", &readme[..start], table(), &readme[end..]);
        fs::write(path, new).unwrap();
        return;
    }
    assert_eq!(&readme[start..end], table());
}
