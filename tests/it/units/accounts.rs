//! The sysusers and tmpfiles entries, applied to an empty root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tempfile::TempDir;

use super::folder::shipped;
use super::tools::tool;

/// Owner, group and permission bits.
fn ownership(path: &Path) -> (u32, u32, u32) {
    let found = fs::metadata(path).unwrap();
    (found.uid(), found.gid(), found.mode() & 0o7777)
}

/// Runs one of the tools on an entry of ours; `None` where the machine lacks it.
fn apply(name: &str, options: &[&str], root: &Path, entry: &str) -> Option<()> {
    let output = tool(name)?
        .args(options)
        .arg(format!("--root={}", root.display()))
        .arg(shipped(entry))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(())
}

/// The user and group that the sysusers entry made in `root`, as ids.
fn made_user(root: &Path) -> Option<(u32, u32)> {
    fs::create_dir(root.join("etc")).unwrap();
    apply("systemd-sysusers", &[], root, "sysusers.d/b24-tidyd.conf")?;
    let passwd = fs::read_to_string(root.join("etc/passwd")).unwrap();
    let line = passwd.lines().find(|line| line.starts_with("b24-tidyd:"));
    let fields: Vec<&str> = line.unwrap().split(':').collect();
    assert_eq!(fields[5], "/var/lib/b24-tidyd");
    assert!(fields[6].ends_with("nologin"), "{}", fields[6]);
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

#[test]
fn sysusers_makes_a_system_user_that_cannot_log_in() {
    let root = TempDir::new().unwrap();
    let Some((uid, gid)) = made_user(root.path()) else {
        return;
    };
    assert!((1..1000).contains(&uid) && (1..1000).contains(&gid));
}

#[test]
fn tmpfiles_makes_the_configuration_and_state_folders() {
    let root = TempDir::new().unwrap();
    if ownership(root.path()).0 != 0 {
        assert!(std::env::var_os("CI").is_none(), "CI runs as root");
        println!("skipped: only root may give folders away");
        return;
    }
    let Some((uid, gid)) = made_user(root.path()) else {
        return;
    };
    let entry = "tmpfiles.d/b24-tidyd.conf";
    apply("systemd-tmpfiles", &["--create"], root.path(), entry).unwrap();
    let configuration = root.path().join("etc/b24-tidyd");
    let state = root.path().join("var/lib/b24-tidyd");
    assert_eq!(ownership(&configuration), (0, gid, 0o750));
    assert_eq!(ownership(&state), (uid, gid, 0o700));
}
