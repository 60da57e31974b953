//! The way to a host: its name, a connection, TLS.

use url::Url;

use super::{Ground, chart::Chart};
use crate::{
    bitrix::{
        Transport,
        network::{Distrust, Leg},
    },
    cli::exit::Exit,
    clock::after,
    config::{authority, is_loopback},
};

/// How long a name may take to resolve, in seconds.
const NAME_SECONDS: f64 = 10.0;

/// Looks for the host and knocks. Answers whether it is there.
pub(super) async fn reach(
    ground: &Ground<'_>,
    transport: &Transport,
    check: &'static str,
    url: &Url,
    through_proxy: bool,
    chart: &mut Chart,
) -> bool {
    let host = authority(url);
    let through_proxy = through_proxy && !is_loopback(url);
    if !through_proxy && let Err(why) = resolve(ground, url).await {
        chart.fail(
            check,
            Exit::Unreachable,
            format!(
                "the name {host} is not found ({why}); look at /etc/resolv.conf, or set HTTPS_PROXY"
            ),
        );
        return false;
    }
    let root = url.join("/").unwrap_or_else(|_| url.clone());
    match transport.reach(&root).await {
        Ok(status) => {
            let secure = match url.scheme() {
                "https" => " over TLS",
                _ => "",
            };
            chart.ok(check, format!("{host} answers{secure} (status {status})"));
            true
        }
        Err(fault) => {
            let remedy = match fault.leg {
                Leg::Tls(Distrust::UnknownAuthority) => {
                    "is ca-certificates installed? An authority of your own goes into SSL_CERT_FILE"
                        .to_owned()
                }
                Leg::Tls(Distrust::Expired | Distrust::NotYetValid) => {
                    "is this host's clock right? If it is, the host's administrator has to renew \
                     the certificate"
                        .to_owned()
                }
                Leg::Proxy => "look at HTTPS_PROXY, and at what the proxy lets through".to_owned(),
                _ => format!("try `curl -v {root}`; look at firewall and proxy"),
            };
            chart.fail(check, Exit::Unreachable, format!("{fault}; {remedy}"));
            false
        }
    }
}

async fn resolve(ground: &Ground<'_>, url: &Url) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(443);
    let deadline = after(ground.clock.now(), NAME_SECONDS);
    tokio::select! {
        found = tokio::net::lookup_host((host, port)) => match found {
            Ok(mut addresses) => match addresses.next() {
                Some(_) => Ok(()),
                None => Err("it has no address".to_owned()),
            },
            Err(error) => Err(error.to_string()),
        },
        () = ground.clock.alarm_at(deadline) => Err(format!("no answer within {NAME_SECONDS} s")),
    }
}
