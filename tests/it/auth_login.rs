//! `auth login`: codes that come in time, late, from another login, or from nowhere.

use std::io::Write;

use b24_tidyd::cli::{
    auth::login::{Arrival, Voice, login},
    exit::exit_of,
};
use secrecy::ExposeSecret;
use tokio::sync::mpsc;

use crate::{auth_import::unauthorised, world::World};

/// Passes on what is written, piece by piece.
struct Heard(mpsc::UnboundedSender<String>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // A browser that has gone hears nothing.
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The person at the terminal, with a browser.
struct Person {
    talk: mpsc::UnboundedReceiver<String>,
    arrivals: mpsc::Sender<Arrival>,
    heard: String,
}

impl Person {
    /// Waits for the next address to open.
    async fn address(&mut self) -> String {
        loop {
            let address = |line: &&str| line.contains("/oauth/authorize/");
            if let Some(found) = self.heard.lines().find(address) {
                let found = found.trim().to_owned();
                // Only what comes after it is news.
                self.heard.clear();
                return found;
            }
            self.heard.push_str(&self.talk.recv().await.unwrap());
        }
    }

    /// Opens the next address: where the browser ends.
    async fn log_in(&mut self) -> String {
        // The program brings its own settings for TLS; a bare client asks for a provider, also for http.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let answer = client.get(self.address().await).send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    async fn paste(&self, text: &str) {
        let line = Arrival::Pasted(format!("{text}\n"));
        self.arrivals.send(line).await.unwrap();
    }
}

/// Runs a login with this person, whose going ends the input: the exit code, what was said, and what
/// went wrong on the way.
async fn session(world: &World, person: impl AsyncFnOnce(&mut Person)) -> (u8, String, String) {
    let (send, talk) = mpsc::unbounded_channel();
    let (arrivals, mut receive) = mpsc::channel(1);
    let (copy_send, mut copy) = mpsc::unbounded_channel();
    let mut errors = Vec::new();
    let (context, config) = (&world.context, &world.config);
    let terminal = async {
        let mut talk = Heard(send);
        let mut out = Heard(copy_send);
        let voice = Voice {
            out: &mut out,
            talk: &mut talk,
            errors: &mut errors,
            json: true,
        };
        match login(context, config, None, &mut receive, voice).await {
            Ok(exit) => (exit.code(), String::new()),
            Err(error) => (exit_of(&error).code(), error.to_string()),
        }
    };
    let user = async {
        let mut user = Person {
            talk,
            arrivals,
            heard: String::new(),
        };
        person(&mut user).await;
        drop(user.arrivals);
        let mut rest = user.heard;
        while let Some(text) = user.talk.recv().await {
            rest.push_str(&text);
        }
        rest
    };
    let ((code, end), mut said) = tokio::join!(terminal, user);
    while let Ok(text) = copy.try_recv() {
        said.push_str(&text);
    }
    said.push_str(&end);
    let errors = String::from_utf8(errors).unwrap();
    for secret in world.portal.issued_secrets() {
        assert!(!said.contains(&secret), "a secret in {said}");
        assert!(!errors.contains(&secret), "a secret in {errors}");
    }
    (code, said, errors)
}

fn asked_for_tokens(world: &World) -> usize {
    let requests = world.portal.requests();
    requests
        .iter()
        .filter(|request| request.method == "oauth.token")
        .count()
}

#[tokio::test]
async fn a_pasted_address_authorises() {
    let world = unauthorised(|_| {}).await;
    let (code, said, errors) = session(&world, async |person| {
        let address = person.log_in().await;
        assert!(address.starts_with("https://tidy.example.invalid/handler?code="));
        person.paste("").await;
        person.paste(&address).await;
    })
    .await;
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    assert!(said.contains(r#""user_id":1"#), "{said}");
    let record = world.record();
    assert_eq!(record.tokens.member_id, world.portal.member_id());
    assert!(record.tokens.access_expires_at.is_some());
    world.pass().await.unwrap();
    world.assert_clean();
}

/// A code that is exchanged late, and one of another login: said, and the next try has a new state.
#[tokio::test]
async fn what_goes_wrong_is_said_and_tried_again() {
    let world = unauthorised(|_| {}).await;
    let (code, said, errors) = session(&world, async |person| {
        let late = person.log_in().await;
        world.advance(31.0);
        person.paste(&late).await;
        let second = person.address().await;
        person.paste(&world.portal.login("another-state", 1)).await;
        let third = person.address().await;
        assert_ne!(second, third);
        person.paste(&second).await;
        let fine = person.log_in().await;
        person.paste(&fine).await;
    })
    .await;
    assert_eq!(code, 0, "{said} {errors}");
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), 3, "{errors}");
    assert!(lines[0].contains("30 seconds"), "{errors}");
    assert!(lines[1].contains("another login"), "{errors}");
    assert!(lines[2].contains("the login begins with"), "{errors}");
    // The code of another login was not exchanged.
    assert_eq!(asked_for_tokens(&world), 2);
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

#[tokio::test]
async fn a_bare_code_is_taken_and_said_to_be_unchecked() {
    let world = unauthorised(|_| {}).await;
    let (code, said, _) = session(&world, async |person| {
        let address = person.log_in().await;
        let query = address.split_once("code=").unwrap().1;
        person.paste(query.split('&').next().unwrap()).await;
    })
    .await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("does not tell which login"), "{said}");
}

#[tokio::test]
async fn another_account_is_refused_and_replaces_nothing() {
    let world = World::new().await;
    let before = world.record().tokens.refresh;
    let (code, _, errors) = session(&world, async |person| {
        let address = person.address().await;
        let state = address.split_once("state=").unwrap().1;
        person.paste(&world.portal.login(state, 2)).await;
    })
    .await;
    assert_eq!(code, 77, "{errors}");
    assert!(errors.contains("no administrator"), "{errors}");
    let after = world.record().tokens.refresh;
    assert_eq!(before.expose_secret(), after.expose_secret());
}

#[tokio::test]
async fn the_end_of_the_input_ends_the_login() {
    let world = World::new().await;
    for (paste, code) in [
        (None, 77),
        (Some("what now?"), 65),
        (Some("https://acme.bitrix24.com/stream/"), 65),
        (Some("0123456789abcdef"), 77),
    ] {
        let (answered, said, errors) = session(&world, async |person| {
            person.address().await;
            if let Some(text) = paste {
                person.paste(text).await;
            }
        })
        .await;
        assert_eq!(answered, code, "{paste:?}: {errors}");
        assert!(said.contains("nothing was authorised"), "{said}");
    }
}

/// Neither a code for another portal nor a wrong secret reaches the portal; the secret cannot be put
/// right by another try.
#[tokio::test]
async fn another_portal_and_a_wrong_secret_are_told_apart() {
    let mut world = World::new().await;
    let (code, _, errors) = session(&world, async |person| {
        let address = person.log_in().await;
        let elsewhere = address.replace("domain=127", "domain=128");
        person.paste(&elsewhere).await;
    })
    .await;
    assert_eq!(code, 65, "{errors}");
    assert!(errors.contains("128.0.0.1"), "{errors}");
    assert_eq!(asked_for_tokens(&world), 0);

    world.config.client_secret = "wrong".into();
    let (code, said, _) = session(&world, async |person| {
        let address = person.log_in().await;
        person.paste(&address).await;
    })
    .await;
    assert_eq!(code, 77, "{said}");
    assert!(said.contains("compare client_id"), "{said}");
}
