//! `auth forget`: removing a portal's tokens, and everything else that is stored about it.

use std::io::{BufRead, Write};

use clap::Args;
use serde_json::json;

use crate::{
    cli::{
        desk::Desk,
        exit::{Exit, Refusal},
        text::{WIDTH, typed, wrapped},
    },
    store::PortalRecord,
};

/// Arguments of `auth forget`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "The bindings stay in the portal, and changes go on filling its queue, unless `b24-tidyd events
unbind` was run before. To end the authorisation itself, delete the application in the portal.

Examples:
  b24-tidyd --portal acme events unbind
  b24-tidyd --portal acme auth forget"
)]
pub struct ForgetArgs {
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// One that is stored but not configured, as `auth status` shows it
    #[arg(long, value_name = "ID")]
    pub member_id: Option<String>,
    /// One JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

/// Removes what is stored about the one portal of `desk`. `answers` is where a person says yes; none
/// where there is no person.
///
/// # Errors
/// A fault of the state file, no tokens, or nobody to ask.
pub async fn forget(
    desk: &Desk,
    args: &ForgetArgs,
    answers: Option<&mut dyn BufRead>,
    out: &mut dyn Write,
    notes: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let (name, record) = chosen(desk, args).await?;
    let store = desk.store()?;
    if !args.yes {
        let Some(answers) = answers else {
            return Err(Refusal {
                exit: Exit::Usage,
                message: "nobody is there to ask; say --yes".to_owned(),
            }
            .into());
        };
        let rows = store.open_totals(record.id).await?.rows;
        // One that is not configured cannot be asked.
        let unbind = match args.member_id {
            None => typed(&name, "events unbind"),
            Some(_) => "`b24-tidyd events unbind`".to_owned(),
        };
        let mut text = format!(
            "This removes everything that is stored about {name}: tokens, history, reservations, \
             failures. The bindings stay in the portal and go on filling its queue, unless {unbind} \
             was run before."
        );
        if rows > 0 {
            text.push_str(&format!(
                " {rows} events that are reserved by us stay reserved there."
            ));
        }
        for line in wrapped(&text, WIDTH) {
            writeln!(notes, "{line}")?;
        }
        write!(notes, "Forget {name}? [y/N] ")?;
        notes.flush()?;
        let mut answer = String::new();
        answers.read_line(&mut answer)?;
        if !matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            writeln!(notes, "nothing was changed")?;
            return Ok(Exit::Done);
        }
    }
    store.forget_portal(record.id).await?;
    let member_id = &record.tokens.member_id;
    if args.json {
        let answer = json!({"portal": name, "member_id": member_id, "forgotten": true});
        writeln!(out, "{answer}")?;
    } else {
        writeln!(
            out,
            "{name}: forgotten. Bindings that are still in the portal stay there."
        )?;
    }
    Ok(Exit::Done)
}

async fn chosen(desk: &Desk, args: &ForgetArgs) -> anyhow::Result<(String, PortalRecord)> {
    let Some(member) = &args.member_id else {
        let config = desk.only()?;
        return Ok((config.name.clone(), desk.record(config).await?));
    };
    let records = desk.store()?.portals().await?;
    let mut found = records
        .into_iter()
        .filter(|record| record.tokens.member_id == *member);
    match (found.next(), found.next()) {
        (Some(record), None) => Ok((record.url.clone(), record)),
        (None, _) => Err(Refusal {
            exit: Exit::NotAuthorised,
            message: format!("nothing is stored under the member id {member:?}"),
        }
        .into()),
        (Some(_), Some(_)) => Err(Refusal {
            exit: Exit::Usage,
            message: "two applications are stored for this portal; choose with --portal".to_owned(),
        }
        .into()),
    }
}
