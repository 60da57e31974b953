//! What is said of a pair of tokens that was let in.

use std::io::{self, Write};

use serde_json::json;

use crate::{config::PortalConfig, portal::admission::Admitted};

/// Tells people, or programs, about it.
pub(super) fn write(
    out: &mut (dyn Write + Send),
    json: bool,
    config: &PortalConfig,
    admitted: &Admitted,
) -> io::Result<()> {
    let standing = admitted.standing;
    if json {
        let value = json!({
            "name": config.name,
            "url": config.url.as_str(),
            "member_id": admitted.member_id,
            "user_id": standing.user_id,
            "renewed": admitted.renewed,
            "plan_confirms": standing.plan_confirms,
            "plan_connector": standing.plan_connector,
        });
        return writeln!(out, "{value}");
    }
    let account = standing.user_id.map_or_else(
        || "an administrator".to_owned(),
        |id| format!("user {id}, an administrator"),
    );
    let host = crate::config::authority(&config.url);
    writeln!(out, "{}: authorised at {host} as {account}", config.name)?;
    if admitted.renewed {
        writeln!(
            out,
            "The pair was renewed on the way: what you handed over is used up."
        )?;
    }
    if !standing.plan_confirms {
        writeln!(
            out,
            "The portal's plan has no confirmed reading of events; it works without."
        )?;
    }
    if config.connector.is_some() && !standing.plan_connector {
        writeln!(
            out,
            "The portal's plan has no auth_connector; the configured one is not used."
        )?;
    }
    writeln!(
        out,
        "Stop whatever else uses this application, such as a PHP app: each renewal kills the other's tokens.\n\
         A running daemon goes on by itself; else try `b24-tidyd run --once`."
    )
}
