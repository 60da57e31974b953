//! What the host has to offer: configuration, state file, way out.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use jiff::Timestamp;
use url::Url;

use super::{Ground, chart::Chart};
use crate::{
    cli::{
        exit::{Exit, of_store},
        text::count,
    },
    config::{Config, PROXIES, Problems},
    service::conditions::{self, Running},
    store::{Store, StoreFault},
};

/// Reads the configuration, without its secrets where those are what is wrong. Answers whether the
/// secrets are there.
pub(super) fn configuration(ground: &Ground<'_>, chart: &mut Chart) -> Option<(Config, bool)> {
    match Config::load(ground.file, ground.env) {
        Ok(config) => {
            let portals = count(config.portals.len() as u64, "portal");
            chart.ok(
                "configuration",
                format!("{}, {portals}", ground.file.display()),
            );
            Some((config, true))
        }
        Err(Problems(problems)) => {
            for problem in problems {
                chart.fail("configuration", Exit::Configuration, problem.to_string());
            }
            let config = Config::load_without_secrets(ground.file, ground.env).ok()?;
            Some((config, false))
        }
    }
}

/// Opens the state file.
pub(super) async fn store(path: &Path, chart: &mut Chart) -> Result<Store, StoreFault> {
    let opened = match Store::open(path).await {
        Ok(store) => store.check_all().await.map(|()| store),
        Err(fault) => Err(fault),
    };
    match &opened {
        Ok(_) => {
            chart.ok("state file", format!("{}, undamaged", path.display()));
            owners(path, chart);
        }
        Err(fault) => chart.fail("state file", of_store(fault), fault.to_string()),
    }
    opened
}

/// A state file that root made is out of the service's reach.
fn owners(path: &Path, chart: &mut Chart) {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let Ok(owner) = fs::metadata(folder).map(|folder| folder.uid()) else {
        return;
    };
    let strangers: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(name))
        .filter(|entry| entry.metadata().is_ok_and(|found| found.uid() != owner))
        .map(|entry| entry.path().display().to_string())
        .collect();
    if strangers.is_empty() {
        chart.ok("owner", "the state belongs to its folder's owner");
    } else {
        chart.warn(
            "owner",
            format!(
                "{} not that of the folder (user {owner}); run `chown --reference={} {}`",
                if strangers.len() == 1 {
                    "a file's owner is"
                } else {
                    "some files' owner is"
                },
                folder.display(),
                strangers.join(" ")
            ),
        );
    }
}

/// Who drains at present.
pub(super) fn drain_lock(store: &Store, chart: &mut Chart) {
    match store.drain_lock_holder() {
        Ok(Some(holder)) => chart.ok("drain lock", format!("held by {holder}")),
        Ok(None) => chart.ok("drain lock", "free: nobody drains at the moment"),
        Err(fault) => lock_fault(fault, chart),
    }
}

fn lock_fault(fault: StoreFault, chart: &mut Chart) {
    chart.fail("drain lock", of_store(&fault), fault.to_string());
}

/// What is not as it should be with the host, as the service has noted it.
pub(super) fn conditions(store: &Store, now: Timestamp, chart: &mut Chart) {
    let held = store
        .drain_lock_holder()
        .is_ok_and(|holder| holder.is_some());
    let running = Running {
        held,
        ..Running::default()
    };
    for condition in conditions::of_host(store.path(), running, now) {
        chart.condition(&condition);
    }
}

/// The way out. Answers whether it leads through a proxy.
pub(super) fn proxy(ground: &Ground<'_>, chart: &mut Chart) -> bool {
    let named = PROXIES
        .into_iter()
        .find_map(|name| Some((name, ground.env.set(name)?.into_string().ok()?)));
    let Some((name, value)) = named else {
        chart.ok("proxy", "none is set");
        return false;
    };
    let with_scheme = if value.contains("://") {
        value
    } else {
        format!("http://{value}")
    };
    // An address of a proxy may hold a password: only its host is shown.
    match with_scheme.parse::<Url>() {
        Ok(url) => {
            let host = url.host_str().unwrap_or_default();
            let port = url.port_or_known_default().unwrap_or_default();
            chart.ok("proxy", format!("{name}: {host}:{port}"));
        }
        Err(_) => chart.warn(
            "proxy",
            format!("{name} is no address; set it to one like http://proxy.example:3128"),
        ),
    }
    true
}
