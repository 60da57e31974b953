//! `auth login`: the whole way from a browser to stored tokens, on a host that nobody can reach.
//!
//! The wait for the answer begins before the code exists, as a code lives for 30 seconds. Whatever
//! goes wrong is said, and the next try begins with a state of its own.

use std::{io::Write, net::SocketAddr};

use anyhow::Context as _;
use clap::Args;
use tokio::{net::TcpListener, sync::mpsc};

pub use super::arrival::Arrival;
use super::{
    admitted,
    arrival::read_lines,
    listen,
    offer::{Offer, Offers},
};
use crate::{
    bitrix::{
        handed::{self, HandedError},
        redirect::{self, NoCode, Returned},
    },
    cli::{
        desk::context,
        exit::{Exit, Refusal, of_admission},
        global::Global,
        surroundings::Surroundings,
        text::{WIDTH, wrapped},
    },
    config::{PortalConfig, authority},
    portal::{
        CallFailure, Context,
        admission::{Admission, Admitted, NotAdmitted, Obstacle},
    },
    store::Store,
};

/// Arrivals that may wait until they are looked at.
const ARRIVALS: usize = 16;

/// Arguments of `auth login`.
#[derive(Debug, Args)]
#[command(after_help = "\
Open the address that is shown in any browser, log in as an administrator, and paste what the
address bar shows afterwards. With --listen, the application's handler path in the portal is
http://127.0.0.1:8765/ and the browser runs on this machine, or behind
`ssh -L 8765:127.0.0.1:8765 THIS-HOST`.

Examples: b24-tidyd --portal acme auth login
          b24-tidyd auth login --listen 127.0.0.1:8765")]
pub struct LoginArgs {
    /// Catch the browser's redirect on this port of this machine
    #[arg(long, value_name = "ADDRESS", value_parser = listen::loopback)]
    pub listen: Option<SocketAddr>,
    /// Answer with one JSON object; the conversation goes to standard error
    #[arg(long)]
    pub json: bool,
}

/// Where a login's words go.
pub struct Voice<'w> {
    /// The outcome.
    pub out: &'w mut (dyn Write + Send),
    /// What to do next.
    pub talk: &'w mut (dyn Write + Send),
    /// What went wrong.
    pub errors: &'w mut (dyn Write + Send),
    /// The outcome is one JSON object.
    pub json: bool,
}

pub(super) async fn run(
    global: &Global,
    world: &mut Surroundings,
    args: &LoginArgs,
) -> anyhow::Result<Exit> {
    let config = global.configuration(world)?;
    let portal = global.chosen(&config)?;
    portal.require_secret()?;
    let store = Store::open_or_create(&config.store).await?;
    let context = context(store, world.clock.clone(), world.stop()?)?;
    let (send, mut arrivals) = mpsc::channel(ARRIVALS);
    let mut listening = None;
    if let Some(address) = args.listen {
        let listener = TcpListener::bind(address).await.map_err(|error| Refusal {
            exit: Exit::Usage,
            message: format!("{address}: {error}; choose another port"),
        })?;
        listening = Some(
            listener
                .local_addr()
                .context("the listener has no address")?,
        );
        tokio::spawn(listen::listen(
            listener,
            portal.url.clone(),
            context.clock.clone(),
            send.clone(),
        ));
    }
    read_lines(
        std::mem::replace(&mut world.input, Box::new(std::io::empty())),
        send,
    )?;
    let talk = if args.json { &world.err } else { &world.out };
    let voice = Voice {
        out: &mut world.out.clone(),
        talk: &mut talk.clone(),
        errors: &mut world.err.clone(),
        json: args.json,
    };
    login(&context, portal, listening, &mut arrivals, voice).await
}

/// Why one try brought no tokens.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(
        "this answer belongs to another login (its state is a different one); the tokens were not \
         asked for"
    )]
    State,
    #[error(transparent)]
    NoCode(#[from] NoCode),
    #[error(transparent)]
    Handed(#[from] HandedError),
    #[error(transparent)]
    Refused(#[from] NotAdmitted),
}

impl From<Obstacle> for Failed {
    fn from(obstacle: Obstacle) -> Self {
        Self::Refused(obstacle.into())
    }
}

impl Failed {
    fn exit(&self) -> Exit {
        match self {
            Self::State | Self::NoCode(_) | Self::Handed(_) => Exit::BadInput,
            Self::Refused(refused) => of_admission(&refused.obstacle),
        }
    }
}

/// Whether another login cannot end better.
fn is_final(refused: &NotAdmitted) -> bool {
    let hopeless = match &refused.obstacle {
        Obstacle::ApplicationRefused(_) | Obstacle::Moved(_) => true,
        Obstacle::Call(failure) => {
            matches!(failure, CallFailure::Stopped | CallFailure::Store(_))
        }
        _ => false,
    };
    hopeless || refused.stored
}

/// Logs in, try after try.
///
/// # Errors
/// A [`Refusal`] where the input ends before a try succeeded, with the exit code of the last one, and
/// whatever no further try can mend.
pub async fn login(
    context: &Context,
    config: &PortalConfig,
    listening: Option<SocketAddr>,
    arrivals: &mut mpsc::Receiver<Arrival>,
    voice: Voice<'_>,
) -> anyhow::Result<Exit> {
    let mut last = Exit::NotAuthorised;
    let mut offers = Offers::new(arrivals, listening.is_some());
    loop {
        // Unguessable, and of this try alone.
        let state = format!("{:032x}", context.chance.secret());
        invite(&mut *voice.talk, config, &state, listening)?;
        let offer = offers.next(context, &state, &mut *voice.talk).await?;
        let Some(offer) = offer else {
            return Err(Refusal {
                exit: last,
                message: "the input has ended, and nothing was authorised".to_owned(),
            }
            .into());
        };
        let (outcome, caught) = match offer {
            Offer::Text(text) => (
                attempt(context, config, &text, &state, voice.talk).await,
                None,
            ),
            Offer::Code(returned, caught) => {
                (exchange(context, config, returned).await, Some(caught))
            }
            Offer::Tokens(caught) => (admit(context, config, &caught.fields).await, Some(caught)),
        };
        if let Some(caught) = caught {
            let (status, text) = match &outcome {
                Ok(_) => (
                    "200 OK",
                    format!(
                        "b24-tidyd is authorised at {}. You can close this page.",
                        authority(&config.url)
                    ),
                ),
                Err(failed) => (
                    "400 Bad Request",
                    format!("This did not work: {failed}. The terminal shows how to go on."),
                ),
            };
            caught.answer(status, &text).await;
        }
        match outcome {
            Ok(found) => {
                let out = if voice.json { voice.out } else { voice.talk };
                admitted::write(out, voice.json, config, &found, false)?;
                return Ok(Exit::Done);
            }
            Err(Failed::Refused(refused)) if is_final(&refused) => {
                return Err(refused.into());
            }
            Err(failed) => {
                writeln!(voice.errors, "b24-tidyd: {failed}")?;
                writeln!(voice.talk, "\nOnce more, with a new address:")?;
                last = failed.exit();
            }
        }
    }
}

fn invite(
    talk: &mut (dyn Write + Send),
    config: &PortalConfig,
    state: &str,
    listening: Option<SocketAddr>,
) -> anyhow::Result<()> {
    let url = redirect::authorize_url(&config.url, &config.client_id, state)
        .context("the configured `url` is no base")?;
    writeln!(
        talk,
        "Open this address in a browser, and log in as an administrator:\n\n  {url}\n"
    )?;
    let next = match listening {
        Some(address) => format!(
            "Waiting for the browser on http://{address}/ (the application's handler path in the \
             portal has to lead there)."
        ),
        None => "The browser then goes to the application's handler path, which need not exist. \
                 Paste that whole address here within 30 seconds, and press Enter."
            .to_owned(),
    };
    for line in wrapped(&next, WIDTH) {
        writeln!(talk, "{line}")?;
    }
    talk.flush()?;
    Ok(())
}

/// One try with what a person pasted: checked, exchanged, checked at the portal, stored.
async fn attempt(
    context: &Context,
    config: &PortalConfig,
    text: &str,
    state: &str,
    talk: &mut (dyn Write + Send),
) -> Result<Admitted, Failed> {
    // The application's own page inside the portal brings the tokens themselves, and no state.
    if text.contains("AUTH_ID=") {
        return admit(context, config, text).await;
    }
    let returned = redirect::read(text)?;
    if returned.bare {
        // A terminal that cannot be written to is noticed at the end.
        let _ = writeln!(
            talk,
            "A code alone does not tell which login it is from; going on with it."
        );
    } else if returned.state.as_deref() != Some(state) {
        return Err(Failed::State);
    }
    exchange(context, config, returned).await
}

/// One try with a code.
async fn exchange(
    context: &Context,
    config: &PortalConfig,
    returned: Returned,
) -> Result<Admitted, Failed> {
    let admission = Admission::new(context, config);
    admission.check_portal(returned.portal.as_deref())?;
    let handed = admission
        .exchange(&returned.code, returned.server.as_deref())
        .await?;
    Ok(admission.admit(handed).await?)
}

/// One try with the tokens themselves.
async fn admit(context: &Context, config: &PortalConfig, text: &str) -> Result<Admitted, Failed> {
    let handed = handed::read(text.as_bytes())?;
    Ok(Admission::new(context, config).admit(handed).await?)
}
