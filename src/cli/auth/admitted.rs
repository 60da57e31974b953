//! What is said of a pair of tokens that was let in.

use std::io::{self, Write};

use serde_json::json;

use crate::{
    cli::text::{WIDTH, wrapped},
    config::{PortalConfig, authority, written},
    portal::admission::Admitted,
};

/// Tells people, or programs, about it. `handed_over`: somebody else had the pair before.
pub(super) fn write(
    out: &mut (dyn Write + Send),
    json: bool,
    config: &PortalConfig,
    admitted: &Admitted,
    handed_over: bool,
) -> io::Result<()> {
    let standing = admitted.standing;
    if json {
        let value = json!({
            "name": config.name,
            "url": written(&config.url),
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
    let host = authority(&config.url);
    writeln!(out, "{}: authorised at {host} as {account}", config.name)?;
    let mut notes = Vec::new();
    if handed_over {
        notes.push(
            "Stop whatever else used this pair, such as a PHP app: each renewal kills the other's \
             tokens.",
        );
    }
    if admitted.renewed {
        notes.push("The pair was renewed on the way: what you handed over is used up.");
    }
    if !standing.plan_confirms {
        notes.push("The portal's plan has no confirmed reading of events; it works without.");
    }
    if config.connector.is_some() && !standing.plan_connector {
        notes.push("The portal's plan has no auth_connector; the configured one is not used.");
    }
    notes.push("A running daemon goes on by itself; else try `b24-tidyd run --once`.");
    for line in notes.iter().flat_map(|note| wrapped(note, WIDTH)) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
