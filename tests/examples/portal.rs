//! Serves the test portal on loopback, with everything the daemon needs to run against it.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use people::MESSY;
use test_portal::{Portal, Settings, SystemClock};

/// Serves a stand-in for Bitrix24 until it is interrupted.
#[derive(Parser)]
struct Arguments {
    /// Where configuration, client secret and tokens are written.
    #[arg(long)]
    dir: PathBuf,
    /// The portal's address; its authorisation server and control port take free ports.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Contacts to begin with.
    #[arg(long, default_value_t = MESSY.len())]
    contacts: usize,
    /// Binds both events and queues every contact at once, as if people had just edited them.
    #[arg(long)]
    queued: bool,
    /// The portal queues the daemon's own writes too.
    #[arg(long)]
    echo: bool,
    /// A plan without confirmation of events.
    #[arg(long)]
    no_confirm: bool,
    /// The daemon's `auth_connector`.
    #[arg(long)]
    connector: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let settings = Settings {
        echo: arguments.echo,
        plan_confirms: !arguments.no_confirm,
        keep_requests: 10_000,
        ..Settings::default()
    };
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let clock = Arc::new(SystemClock);
    let portal = Portal::start_on(settings, clock, arguments.listen, free, free)
        .await
        .context("starting the portal")?;
    fill(&portal, &arguments);
    write_files(&portal, &arguments)
        .with_context(|| format!("writing into {}", arguments.dir.display()))?;
    print_commands(&portal, &arguments.dir);
    tokio::signal::ctrl_c().await?;
    Ok(())
}

fn fill(portal: &Portal, arguments: &Arguments) {
    if arguments.queued {
        let connector = arguments.connector.as_deref().unwrap_or("");
        portal.bind_offline("ONCRMCONTACTADD", connector);
        portal.bind_offline("ONCRMCONTACTUPDATE", connector);
    }
    for (name, second, last) in MESSY.into_iter().cycle().take(arguments.contacts) {
        if arguments.queued {
            portal.add_contact(name, second, last);
        } else {
            portal.seed_contact(name, second, last);
        }
    }
}

fn write_files(portal: &Portal, arguments: &Arguments) -> anyhow::Result<()> {
    let dir = &arguments.dir;
    fs::create_dir_all(dir)?;
    let connector = arguments
        .connector
        .as_ref()
        .map(|name| format!("auth_connector = \"{name}\"\n"))
        .unwrap_or_default();
    let config = format!(
        "[app]\nclient_id = \"{}\"\nclient_secret_file = \"client_secret\"\noauth_url = \"{}\"\n\n\
         [store]\npath = \"state.db\"\n\n\
         [[portal]]\nname = \"test\"\nurl = \"{}\"\n{connector}",
        portal.client_id(),
        portal.oauth_url(),
        portal.url(),
    );
    fs::write(dir.join("config.toml"), config)?;
    write_secret(&dir.join("client_secret"), &portal.client_secret())?;
    write_secret(&dir.join("tokens.json"), &portal.authorise().to_string())
}

/// Writes a file that only its owner can read, whatever was there before.
fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{text}")?;
    Ok(())
}

fn print_commands(portal: &Portal, dir: &Path) {
    let config = dir.join("config.toml");
    let config = config.display();
    let tokens = dir.join("tokens.json");
    let tokens = tokens.display();
    let control = portal.control_url();
    println!(
        "portal   {}
oauth    {}
control  {control}

In another terminal:

cargo run --release -- --config {config} auth import {tokens}
cargo run --release -- --config {config} run --once
curl -X POST {control}/contacts/1 -d '{{\"NAME\": \"jANE\", \"LAST_NAME\": \"oNEIL\"}}'
curl {control}/queue
cargo run --release -- --config {config} run --once
curl {control}/contacts/1
cargo run --release -- --config {config} status

Ctrl-C ends the portal.",
        portal.url(),
        portal.oauth_url(),
    );
}
