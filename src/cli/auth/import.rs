//! `auth import`: taking over a pair of tokens from a file or from standard input.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use clap::Args;

use super::admitted;
use crate::{
    bitrix::handed::{self, LONGEST},
    cli::{
        desk::context,
        exit::{Exit, Refusal},
        global::Global,
        surroundings::Surroundings,
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

pub(super) async fn run(
    global: &Global,
    world: &mut Surroundings,
    args: &ImportArgs,
) -> anyhow::Result<Exit> {
    let config = global.configuration(world)?;
    let portal = global.chosen(&config)?;
    portal.require_secret()?;
    let bytes = read(args.file.as_deref(), world)?;
    // Looked at first: a bad one leaves no state file behind.
    handed::read(&bytes).map_err(|error| bad_input(error.to_string()))?;
    let store = Store::open_or_create(&config.store).await?;
    // From here on only: while the input is read, Ctrl-C simply ends the program.
    let context = context(store, world.clock.clone(), world.stop()?)?;
    import(&context, portal, &bytes, args.json, &mut world.out).await
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

fn read(file: Option<&Path>, world: &mut Surroundings) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = LONGEST as u64 + 1;
    match file.filter(|path| *path != Path::new("-")) {
        // A pipe will do: this is a stream like standard input.
        Some(path) => File::open(path)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|error| bad_input(format!("{}: {error}", path.display())))?,
        None => {
            if world.input_is_terminal {
                writeln!(world.err, "Paste the tokens, then press Enter and Ctrl-D.")?;
            }
            (&mut world.input)
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
