//! `doctor`: every precondition looked at, each with a remedy where it is not met.

mod chart;
mod guards;
mod host;
mod network;
mod patient;
mod standing;

use std::{io::Write, path::Path};

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{
    desk::{Desk, identities},
    exit::Exit,
    global::{Global, choose},
    surroundings::Surroundings,
};
use crate::{clock::SharedClock, config::Environment, store::StoreFault};

pub use chart::{Finding, Verdict};

/// Arguments of `doctor`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Nothing is changed, on this host or in the portal; an access token that has ended is
renewed. What cannot be looked at, because the portal is unreachable, is skipped. The exit code
is that of the first thing to mend: 78 configuration, 77 authorisation, 70 state file, 69 network;
0 with warnings.

Examples:
  b24-tidyd doctor
  b24-tidyd doctor --json | jq '.checks[] | select(.result != \"ok\")'"
)]
pub struct DoctorArgs {
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// What the doctor stands on.
pub struct Ground<'a> {
    /// The configuration file.
    pub file: &'a Path,
    /// The environment variables.
    pub env: &'a dyn Environment,
    /// The portal that is meant; none for all.
    pub portal: Option<&'a str>,
    /// The time.
    pub clock: SharedClock,
    /// Asks for a stop at the next safe point.
    pub stop: CancellationToken,
}

/// Looks at everything and tells.
pub(super) async fn doctor(
    global: &Global,
    world: &mut Surroundings,
    args: &DoctorArgs,
) -> anyhow::Result<Exit> {
    let ground = Ground {
        file: &global.config_file(world),
        env: &*world.env,
        portal: global.portal.as_deref(),
        clock: world.clock.clone(),
        stop: world.stop()?,
    };
    run(&ground, args, &mut world.out).await
}

/// Looks at everything and tells.
///
/// # Errors
/// Where no portal has the wanted name, or `out` cannot be written.
pub async fn run(
    ground: &Ground<'_>,
    args: &DoctorArgs,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let mut chart = chart::Chart::default();
    if let Some((config, with_secrets)) = host::configuration(ground, &mut chart) {
        let portals = choose(&config, ground.portal)?;
        let through_proxy = host::proxy(ground, &mut chart);
        let store = host::store(&config.store, &mut chart).await;
        if let Ok(store) = &store {
            host::drain_lock(store, &mut chart);
            host::conditions(store, ground.clock.now(), &mut chart);
        }
        let unreadable = matches!(&store, Err(fault) if !matches!(fault, StoreFault::Missing(_)));
        let desk = Desk {
            portals: portals.into_iter().cloned().map(Into::into).collect(),
            configured: identities(&config.portals),
            store_path: config.store.clone(),
            store: store.ok(),
            clock: ground.clock.clone(),
            stop: ground.stop.clone(),
        };
        for portal in &desk.portals {
            chart.turn_to(&portal.name);
            let patient = patient::Patient {
                ground,
                desk: &desk,
                config: portal,
                with_secrets: with_secrets && portal.secret_problem.is_none(),
                through_proxy,
                unreadable,
            };
            patient.examine(&mut chart).await;
        }
    }
    if args.json {
        chart.write_json(out)?;
    } else {
        chart.write(out)?;
    }
    Ok(chart.exit())
}
