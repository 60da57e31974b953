//! How much memory and processor time one daemon takes for many portals.
//!
//! Plays the portals, starts the program, lets people edit contacts, and reads from /proc what the
//! daemon used. Needs a release build: `cargo build --release --locked`, then
//! `cargo run --release --locked --example many_portals -- --portals 200`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use b24_tidyd::store::{Store, Tokens};
use clap::Parser;
use test_portal::{Portal, Settings, SystemClock};

/// Clock ticks per second, as /proc counts processor time on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Measures one daemon with many portals.
#[derive(Parser)]
struct Arguments {
    /// How many portals it serves.
    #[arg(long, default_value_t = 200)]
    portals: usize,
    /// For how many seconds it is watched after all portals were reached.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many contacts people edit in a minute on all portals together.
    #[arg(long, default_value_t = 200)]
    edits: u64,
    /// How many contacts wait to be tidied on the first portal, as after a holiday.
    #[arg(long, default_value_t = 0)]
    backlog: usize,
    /// Write metrics.
    #[arg(long)]
    metrics: bool,
    /// The daemon.
    #[arg(long, default_value = "target/release/b24-tidyd")]
    binary: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = std::env::temp_dir().join(format!("b24-tidyd-many-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let outcome = measure(&arguments, &folder).await;
    fs::remove_dir_all(&folder)?;
    outcome
}

async fn measure(arguments: &Arguments, folder: &Path) -> anyhow::Result<()> {
    let mut portals = Vec::new();
    for _ in 0..arguments.portals {
        let settings = Settings {
            keep_requests: 10,
            ..Settings::default()
        };
        portals.push(Portal::start(settings, Arc::new(SystemClock)).await?);
    }
    if let Some(busy) = portals.first().filter(|_| arguments.backlog > 0) {
        busy.bind_offline("ONCRMCONTACTADD", "");
        busy.bind_offline("ONCRMCONTACTUPDATE", "");
        for _ in 0..arguments.backlog {
            busy.add_contact("anna", "", "SMITH");
        }
    }
    write_files(folder, &portals, arguments.metrics).await?;
    let child = Command::new(&arguments.binary)
        .arg("--config")
        .arg(folder.join("config.toml"))
        .args(["--quiet", "run"])
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {}", arguments.binary.display()))?;
    let mut daemon = Daemon(child);
    let limit = Instant::now() + Duration::from_secs(120);
    while portals.iter().any(|portal| portal.bindings().len() < 2) {
        anyhow::ensure!(Instant::now() < limit, "not all portals were reached");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // One schedule interval later every portal has been polled, and the start is over.
    tokio::time::sleep(Duration::from_secs(10)).await;

    let (began, before) = (Instant::now(), daemon.processor_seconds()?);
    let mut edited = Vec::new();
    // The busy portal has its own edits to work on.
    let trickling = &portals[usize::from(arguments.backlog > 0).min(portals.len() - 1)..];
    let pause = Duration::from_secs_f64(60.0 / arguments.edits.max(1) as f64);
    while began.elapsed() < Duration::from_secs(arguments.seconds) {
        if arguments.edits > 0 {
            let portal = &trickling[edited.len() % trickling.len()];
            edited.push((portal, portal.add_contact("anna", "", "SMITH")));
        }
        tokio::time::sleep(pause.min(Duration::from_secs(1))).await;
    }
    let used = daemon.processor_seconds()? - before;
    let share = 100.0 * used / began.elapsed().as_secs_f64();
    let tidied = |(portal, id): &&(&Portal, u64)| {
        let contact = portal.contact(*id);
        contact.is_some_and(|contact| contact.last_name.as_deref() == Some("Smith"))
    };
    println!(
        "{} portals, {} edits in {} s, {} of them tidied so far: {share:.2} % of a core, \
         resident {:.1} MB, at most {:.1} MB",
        portals.len(),
        edited.len(),
        arguments.seconds,
        edited.iter().filter(tidied).count(),
        daemon.memory("VmRSS")?,
        daemon.memory("VmHWM")?,
    );
    Ok(())
}

async fn write_files(folder: &Path, portals: &[Portal], metrics: bool) -> anyhow::Result<()> {
    let mut config = "[store]\npath = \"state.db\"\n".to_owned();
    if metrics {
        config += "[metrics]\ntextfile = \"metrics.prom\"\n";
    }
    let store = Store::open_or_create(&folder.join("state.db")).await?;
    for (number, portal) in portals.iter().enumerate() {
        let (name, client_id) = (format!("p{number}"), portal.client_id());
        let secret = folder.join(&name);
        fs::write(&secret, portal.client_secret())?;
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600))?;
        let url = portal.url();
        config += &format!(
            "[[portal]]\nname = {name:?}\nurl = {url:?}\nclient_id = {client_id:?}\n\
             client_secret_file = {name:?}\n"
        );
        let grant = portal.authorise();
        let text = |key: &str| grant[key].as_str().unwrap_or_default().to_owned();
        let tokens = Tokens {
            member_id: text("member_id"),
            endpoint: text("client_endpoint"),
            server_endpoint: None,
            access: text("access_token").into(),
            refresh: text("refresh_token").into(),
            access_expires_at: None,
            user_id: Some(1),
        };
        let now = jiff::Timestamp::now();
        store
            .store_tokens(&client_id, &format!("{url}/"), &tokens, None, now)
            .await?;
    }
    Ok(fs::write(folder.join("config.toml"), config)?)
}

/// The daemon, and what /proc says of it. It ends with this.
struct Daemon(Child);

impl Daemon {
    /// Processor time so far, in seconds.
    fn processor_seconds(&mut self) -> anyhow::Result<f64> {
        let stat = self.read("stat")?;
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let field = |at: usize| after_name.split_whitespace().nth(at);
        let ticks = |at| field(at).and_then(|text| text.parse::<f64>().ok());
        // utime and stime are fields 14 and 15; two stand before the name's end.
        let (user, system) = ticks(11).zip(ticks(12)).context("no times in stat")?;
        Ok((user + system) / TICKS_PER_SECOND)
    }

    /// A size from `status`, in MB.
    fn memory(&mut self, key: &str) -> anyhow::Result<f64> {
        let status = self.read("status")?;
        let line = status.lines().find(|line| line.starts_with(key));
        let size = line.and_then(|line| line.split_whitespace().nth(1));
        let kilobytes: f64 = size.context("no such size in status")?.parse()?;
        Ok(kilobytes / 1024.0)
    }

    fn read(&mut self, what: &str) -> anyhow::Result<String> {
        if let Some(status) = self.0.try_wait()? {
            anyhow::bail!("the daemon ended: {status}");
        }
        let path = format!("/proc/{}/{what}", self.0.id());
        fs::read_to_string(&path).with_context(|| path)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It is ours and has nothing to lose.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
