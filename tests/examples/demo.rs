//! The main job against the built-in test portal: messy names go in, clean names come out.
//!
//! Everything is real but the portal: HTTP on loopback, OAuth with a code, a state file, the drain.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use b24_tidyd::{
    bitrix::{
        Transport,
        oauth::{self, ClientCredentials, Offer},
    },
    clock::{SharedClock, SystemClock},
    config::{Config, ProcessEnvironment},
    portal::Context,
    service::{Ending, drain_once},
    store::{Store, Tokens},
};
use people::MESSY;
use tokio_util::sync::CancellationToken;

/// Contacts in the portal: each of the messy ones several times.
const CONTACTS: usize = 400;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("b24-tidyd-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outcome = demo(&folder).await;
    std::fs::remove_dir_all(&folder)?;
    outcome
}

async fn demo(folder: &Path) -> anyhow::Result<()> {
    let settings = test_portal::Settings::default();
    let portal = test_portal::Portal::start(settings, Arc::new(test_portal::SystemClock)).await?;
    println!("A test portal answers at {}", portal.url());

    let config = configuration(folder, &portal)?;
    let context = context(folder).await?;
    authorise(&context, &config, &portal).await?;
    println!("Authorised with a one-time code, as `b24-tidyd auth login` does.");

    // The first drain binds the two contact events; only changes after that are queued.
    drain(&context, &config).await?;
    let ids: Vec<u64> = MESSY
        .into_iter()
        .cycle()
        .take(CONTACTS)
        .map(|(name, second, last)| portal.add_contact(name, second, last))
        .collect();
    let before: Vec<String> = ids.iter().map(|id| full_name(&portal, *id)).collect();
    println!(
        "People typed in {CONTACTS} contacts; {} events wait in the queue.\n",
        portal.queue().len()
    );

    let started = std::time::Instant::now();
    let report = drain(&context, &config).await?;
    let took = started.elapsed();

    println!("{:<42} after", "before");
    for (id, before) in ids.iter().zip(&before).take(MESSY.len()) {
        let after = full_name(&portal, *id);
        let mark = if after == *before {
            "  (left alone)"
        } else {
            ""
        };
        println!("{before:<42} {after}{mark}");
    }
    println!(
        "\n{} events, {} contacts changed, {} requests, {:.1} s; {} events left in the queue.",
        report.events,
        report.changed,
        report.requests,
        took.as_secs_f64(),
        portal.queue().len()
    );
    let broken = portal.violations();
    ensure!(
        portal.queue().is_empty() && broken.is_empty(),
        "promises were broken: {broken:?}"
    );
    Ok(())
}

fn configuration(folder: &Path, portal: &test_portal::Portal) -> anyhow::Result<Config> {
    let secret = folder.join("client_secret");
    std::fs::write(&secret, portal.client_secret())?;
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let file = folder.join("config.toml");
    let text = format!(
        "[app]\nclient_id = \"{}\"\nclient_secret_file = \"client_secret\"\noauth_url = \"{}\"\n\
         [store]\npath = \"state.db\"\n[[portal]]\nname = \"demo\"\nurl = \"{}\"\n",
        portal.client_id(),
        portal.oauth_url(),
        portal.url()
    );
    std::fs::write(&file, text)?;
    Ok(Config::load(&file, &ProcessEnvironment)?)
}

async fn context(folder: &Path) -> anyhow::Result<Context> {
    let clock: SharedClock = Arc::new(SystemClock);
    let store = Store::open_or_create(&folder.join("state.db")).await?;
    let transport = Transport::new(clock.clone())?;
    Ok(Context::over(
        store,
        transport,
        clock,
        CancellationToken::new(),
    ))
}

/// A browser logs in at the portal and is sent on with a code, which is exchanged for tokens.
async fn authorise(
    context: &Context,
    config: &Config,
    portal: &test_portal::Portal,
) -> anyhow::Result<()> {
    let settings = &config.portals[0];
    let landing: url::Url = portal.login("demo", 1).parse()?;
    let (_, code) = landing
        .query_pairs()
        .find(|(name, _)| name == "code")
        .context("no code in the address")?;
    let credentials = ClientCredentials {
        id: settings.client_id.clone(),
        secret: settings.client_secret.clone(),
    };
    let address =
        oauth::token_url(settings.oauth_url.as_ref(), None, &settings.url).context("no address")?;
    let code = code.into_owned().into();
    let now = context.clock.now();
    let offer = Offer::Code(&code);
    let grant =
        oauth::request_grant(&context.transport, &address, &credentials, offer, now).await?;
    let tokens = Tokens {
        member_id: grant.member_id.context("no member_id")?,
        endpoint: grant.endpoint.context("no endpoint")?.to_string(),
        server_endpoint: grant.server_endpoint,
        access: grant.access,
        refresh: grant.refresh,
        access_expires_at: grant.access_expires_at,
        user_id: grant.user_id,
    };
    context
        .store
        .store_tokens(
            &settings.client_id,
            settings.url.as_str(),
            &tokens,
            None,
            now,
        )
        .await?;
    Ok(())
}

/// `run --once`.
async fn drain(context: &Context, config: &Config) -> anyhow::Result<b24_tidyd::store::RunTotals> {
    let settings = Arc::new(config.portals[0].clone());
    let limit = config.poll.limit.get();
    let report = drain_once(
        context,
        settings,
        limit,
        Duration::from_secs(60),
        &mut |_| {},
    )
    .await;
    match report.ending {
        Ending::Failed(failure) => Err(failure.into()),
        Ending::NoTokens => anyhow::bail!("no tokens"),
        Ending::NoSecret(problems) => Err(problems.into()),
        Ending::Ended(_) => Ok(report.totals),
    }
}

fn full_name(portal: &test_portal::Portal, id: u64) -> String {
    let Some(contact) = portal.contact(id) else {
        return String::new();
    };
    let parts = [contact.name, contact.second_name, contact.last_name];
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" | ")
}
