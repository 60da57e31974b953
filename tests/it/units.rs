//! The unit files, judged by the machine's own systemd tools.

mod accounts;
mod folder;
mod parsed;
mod tools;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use folder::UnitFolder;
use parsed::UnitFile;
use tools::{major_version, tool};

const DAEMON: &str = "b24-tidyd.service";
const ONE_SHOT: &str = "b24-tidyd-drain.service";
const TIMER: &str = "b24-tidyd-drain.timer";

/// Keys of `[Service]` in which the daemon and the one-shot run differ on purpose.
const LIFECYCLE: [&str; 13] = [
    "Type",
    "NotifyAccess",
    "ExecStart",
    "ExecReload",
    "TimeoutStartSec",
    "WatchdogSec",
    "WatchdogSignal",
    "Restart",
    "RestartSec",
    "RestartPreventExitStatus",
    "SuccessExitStatus",
    "TimeoutStopSec",
    "KillMode",
];

/// What a client that calls out and notifies systemd cannot give up; `DeviceAllow` is caused by
/// `ProtectClock` itself.
fn expected_exposures() -> BTreeMap<String, String> {
    [
        ("PrivateNetwork", "0.5"),
        ("RestrictAddressFamilies_AF_INET_INET6", "0.3"),
        ("IPAddressDeny", "0.2"),
        ("RestrictAddressFamilies_AF_UNIX", "0.1"),
        ("RootDirectoryOrRootImage", "0.1"),
        ("DeviceAllow", "0.1"),
    ]
    .map(|(field, exposure)| (field.to_owned(), exposure.to_owned()))
    .into()
}

/// The rows of the security analysis that cost something, by field.
fn exposures(folder: &UnitFolder, unit: &str) -> Option<BTreeMap<String, String>> {
    let output = tool("systemd-analyze")?
        .args(["security", "--offline=true", "--no-pager", "--json=short"])
        .arg(folder.unit(unit))
        .output()
        .unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().map(str::to_owned);
    let costing = rows
        .iter()
        .filter_map(|row| Some((text(row, "json_field")?, text(row, "exposure")?)))
        .collect();
    Some(costing)
}

/// Whether the score is at most `tenths` / 10.
fn scores_at_most(folder: &UnitFolder, unit: &str, tenths: u32) -> Option<bool> {
    let output = tool("systemd-analyze")?
        .args(["security", "--offline=true", "--no-pager"])
        .arg(format!("--threshold={tenths}"))
        .arg(folder.unit(unit))
        .output()
        .unwrap();
    Some(output.status.success())
}

/// What `systemd-analyze verify` says against a unit: nothing, where it is right.
fn complaints(folder: &UnitFolder, units: &[&str]) -> Option<BTreeSet<String>> {
    let output = tool("systemd-analyze")?
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(units.iter().map(|unit| folder.unit(unit)))
        .output()
        .unwrap();
    let said: BTreeSet<String> = String::from_utf8(output.stderr)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(output.status.success(), said.is_empty(), "{said:?}");
    Some(said)
}

#[test]
fn units_verify_clean() {
    let folder = UnitFolder::new();
    let Some(said) = complaints(&folder, &[DAEMON, ONE_SHOT, TIMER]) else {
        return;
    };
    assert!(said.is_empty(), "{said:#?}");
}

#[test]
fn verify_notices_a_typo_and_a_bad_value() {
    for (right, wrong) in [
        ("ProtectHome=", "ProtectHomes="),
        ("Restart=on-failure", "Restart=on-failures"),
    ] {
        let folder = UnitFolder::new();
        folder.replace(DAEMON, right, wrong);
        let Some(said) = complaints(&folder, &[DAEMON]) else {
            return;
        };
        assert!(!said.is_empty(), "{wrong} was not noticed");
    }
}

#[test]
fn every_drop_in_verifies_on_both_services() {
    let Some(version) = major_version() else {
        return;
    };
    for name in folder::drop_ins() {
        for unit in [DAEMON, ONE_SHOT] {
            let folder = UnitFolder::new();
            folder.drop_in(unit, &name);
            let Some(said) = complaints(&folder, &[unit]) else {
                return;
            };
            if name == "newer-systemd.conf" && version < 254 {
                let unknown = said.iter().all(|line| line.contains("Unknown key"));
                assert!(unknown && !said.is_empty(), "{said:#?}");
            } else {
                assert!(said.is_empty(), "{name} on {unit}: {said:#?}");
            }
        }
    }
}

#[test]
fn every_drop_in_says_in_one_line_what_it_is_for() {
    let names = folder::drop_ins();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        let text = fs::read_to_string(folder::shipped(&format!("drop-ins/{name}"))).unwrap();
        let comments = text.lines().filter(|line| line.starts_with('#')).count();
        assert!(text.starts_with("# ") && comments == 1, "{name}");
    }
}

#[test]
fn exactly_the_unavoidable_exposures_remain() {
    for unit in [DAEMON, ONE_SHOT] {
        let folder = UnitFolder::new();
        let Some(left) = exposures(&folder, unit) else {
            return;
        };
        assert_eq!(left, expected_exposures(), "{unit}");
        assert_eq!(scores_at_most(&folder, unit, 11), Some(true), "{unit}");
    }
}

/// A cap on files is a cap on portals, and a folder that nobody uses is a promise that nobody keeps.
#[test]
fn the_units_ask_for_what_is_used_and_leave_room_for_portals() {
    for unit in [DAEMON, ONE_SHOT] {
        let text = fs::read_to_string(folder::shipped(unit)).unwrap();
        assert!(!text.contains("RuntimeDirectory"), "{unit}");
        let limit = text
            .lines()
            .find_map(|line| line.strip_prefix("LimitNOFILE="));
        let limit: u32 = limit.unwrap().parse().unwrap();
        assert!(limit >= 8192, "{unit}: {limit}");
    }
}

/// The score is rounded and hides these; the exact set of rows does not.
#[test]
fn a_dropped_directive_shows_although_the_score_stays() {
    for directive in ["ProtectSystem=strict", "UMask=0077", "ProtectHome=yes"] {
        let folder = UnitFolder::new();
        folder.replace(DAEMON, &format!("\n{directive}\n"), "\n");
        let Some(left) = exposures(&folder, DAEMON) else {
            return;
        };
        assert_ne!(left, expected_exposures(), "{directive} was not missed");
    }
}

#[test]
fn the_address_list_of_a_self_hosted_portal_lowers_the_score() {
    let folder = UnitFolder::new();
    let Some(plain) = scores_at_most(&folder, DAEMON, 10) else {
        return;
    };
    folder.drop_in(DAEMON, "ip-allow-list.conf");
    assert!(!plain);
    assert_eq!(scores_at_most(&folder, DAEMON, 10), Some(true));
}

#[test]
fn daemon_and_one_shot_share_order_and_sandbox() {
    let daemon = UnitFile::shipped(DAEMON);
    let one_shot = UnitFile::shipped(ONE_SHOT);
    let sandbox = |unit: &UnitFile| {
        let mut lines = unit.section("Service");
        lines.retain(|(key, _)| !LIFECYCLE.contains(&key.as_str()));
        lines
    };
    assert!(sandbox(&daemon).len() > 40);
    assert_eq!(sandbox(&daemon), sandbox(&one_shot));
    for key in ["Wants", "After", "StartLimitIntervalSec"] {
        assert_eq!(daemon.values("Unit", key), one_shot.values("Unit", key));
    }
    for key in ["TimeoutStopSec", "KillMode"] {
        assert_eq!(
            daemon.values("Service", key),
            one_shot.values("Service", key)
        );
    }
}

#[test]
fn the_daemon_restarts_where_a_restart_can_help() {
    let daemon = UnitFile::shipped(DAEMON);
    assert_eq!(daemon.values("Service", "Type"), ["notify"]);
    assert_eq!(daemon.values("Service", "Restart"), ["on-failure"]);
    assert_eq!(daemon.values("Service", "WatchdogSec"), ["60s"]);
    assert_eq!(
        daemon.values("Service", "RestartPreventExitStatus"),
        ["64 70 77 78", "CREDENTIALS"]
    );
    assert_eq!(daemon.values("Unit", "StartLimitIntervalSec"), ["0"]);
}

#[test]
fn the_timer_and_not_the_one_shot_service_conflicts_with_the_daemon() {
    let one_shot = UnitFile::shipped(ONE_SHOT);
    let timer = UnitFile::shipped(TIMER);
    assert_eq!(timer.values("Unit", "Conflicts"), [DAEMON]);
    assert!(one_shot.values("Unit", "Conflicts").is_empty());
    assert!(
        UnitFile::shipped(DAEMON)
            .values("Unit", "Conflicts")
            .is_empty()
    );
    assert_eq!(one_shot.values("Service", "Type"), ["oneshot"]);
    assert_eq!(one_shot.values("Service", "SuccessExitStatus"), ["75"]);
    assert!(one_shot.values("Service", "Restart").is_empty());
}

#[test]
fn the_timer_fires_and_is_spread() {
    let timer = UnitFile::shipped(TIMER);
    assert_eq!(timer.values("Timer", "FixedRandomDelay"), ["yes"]);
    assert_eq!(timer.values("Timer", "AccuracySec"), ["1s"]);
    assert_eq!(timer.values("Timer", "RandomizedDelaySec"), ["60s"]);
    let Some(mut analyze) = tool("systemd-analyze") else {
        return;
    };
    let output = analyze
        .args(["calendar", "--iterations=3"])
        .args(timer.values("Timer", "OnCalendar"))
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("#3"), "{said}");
}

#[test]
fn no_secret_travels_through_the_environment() {
    for unit in [DAEMON, ONE_SHOT] {
        let unit = UnitFile::shipped(unit);
        assert!(unit.values("Service", "Environment").is_empty());
        assert!(unit.values("Service", "EnvironmentFile").is_empty());
        assert_eq!(
            unit.values("Service", "LoadCredential"),
            ["client_secret:/etc/b24-tidyd/client_secret"]
        );
    }
}
