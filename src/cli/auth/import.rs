//! `auth import`: taking over a pair of tokens from a file or from standard input.

use std::{
    fs::File,
    io::{IsTerminal, Read, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::admitted;
use crate::{
    bitrix::handed::{self, LONGEST},
    cli::{
        Cli, context,
        exit::{Exit, Refusal},
        run::stop_on_signals,
    },
    config::PortalConfig,
    portal::{Context, admission::Admission},
    store::Store,
};

/// Arguments of `auth import`.
#[derive(Debug, Args)]
#[command(after_help = "\
The file may be the token endpoint's answer, the settings.json of a PHP app (CRest), or the fields
that the portal posts into an application's frame, as JSON or as form text.

Examples: b24-tidyd auth import settings.json
          ssh web cat app/settings.json | b24-tidyd --portal acme auth import")]
pub struct ImportArgs {
    /// The file; `-`, or none, for standard input
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Answer with one JSON object
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn run(cli: &Cli, args: &ImportArgs) -> anyhow::Result<Exit> {
    let config = cli.configuration()?;
    let portal = cli.chosen(&config)?;
    let bytes = read(args.file.as_deref())?;
    // Looked at first: a bad one leaves no state file behind.
    handed::read(&bytes).map_err(|error| bad_input(error.to_string()))?;
    let store = Store::open_or_create(&config.store).await?;
    // From here on only: while the input is read, Ctrl-C simply ends the program.
    let stop = CancellationToken::new();
    stop_on_signals(stop.clone())?;
    let context = context(store, stop)?;
    import(&context, portal, &bytes, args.json, &mut std::io::stdout()).await
}

/// Takes over what `bytes` hand over to the portal of `config`.
///
/// # Errors
/// What was handed over, or a [`NotAdmitted`](crate::portal::admission::NotAdmitted).
pub async fn import(
    context: &Context,
    config: &PortalConfig,
    bytes: &[u8],
    json: bool,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Exit> {
    let handed = handed::read(bytes).map_err(|error| bad_input(error.to_string()))?;
    let admitted = Admission::new(context, config).admit(handed).await?;
    admitted::write(out, json, config, &admitted, true)?;
    Ok(Exit::Done)
}

fn read(file: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = LONGEST as u64 + 1;
    match file.filter(|path| *path != Path::new("-")) {
        Some(path) => File::open(path)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|error| bad_input(format!("{}: {error}", path.display())))?,
        None => {
            let stdin = std::io::stdin();
            if stdin.is_terminal() {
                let _ = writeln!(
                    std::io::stderr(),
                    "Paste the tokens, then press Enter and Ctrl-D."
                );
            }
            stdin
                .lock()
                .take(limit)
                .read_to_end(&mut bytes)
                .map_err(|error| bad_input(format!("standard input: {error}")))?
        }
    };
    Ok(bytes)
}

fn bad_input(message: String) -> Refusal {
    Refusal {
        exit: Exit::BadInput,
        message,
    }
}
