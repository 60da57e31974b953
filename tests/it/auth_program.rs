//! `auth` as the real program: pipes, listeners, signals, and no secret in anything it says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdout, Output, Stdio},
    thread::JoinHandle,
};

use test_portal::Portal;

use crate::installed::Installed;

fn assert_no_secret(portal: &Portal, output: &Output) {
    for stream in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(stream);
        for secret in portal.issued_secrets() {
            assert!(!text.contains(&secret), "a secret in {text}");
        }
    }
}

/// A program that talks with us, logging all it can.
struct Dialogue {
    child: Child,
    said: BufReader<ChildStdout>,
    heard: String,
    /// Drains standard error all the time: a full pipe would stop the program.
    errors: JoinHandle<Vec<u8>>,
}

impl Dialogue {
    fn start(world: &Installed, arguments: &[&str]) -> Self {
        let mut child = world
            .command(arguments)
            .env("RUST_LOG", "trace")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stderr.read_to_end(&mut bytes).unwrap();
            bytes
        });
        Self {
            child,
            said,
            heard: String::new(),
            errors,
        }
    }

    /// Waits for a line with these words.
    async fn line(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            let read = tokio::task::block_in_place(|| self.said.read_line(&mut line).unwrap());
            assert!(read > 0, "no {words:?} in {}", self.heard);
            self.heard.push_str(&line);
            if line.contains(words) {
                return line.trim().to_owned();
            }
        }
    }

    fn paste(&mut self, text: &str) {
        let mut stdin = self.child.stdin.as_ref().unwrap();
        writeln!(stdin, "{text}").unwrap();
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = std::process::Command::new("kill")
            .args([name, &id])
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end: the exit code and everything that was said.
    async fn end(mut self, world: &Installed) -> (i32, String) {
        let (heard, said) = (&mut self.heard, &mut self.said);
        tokio::task::block_in_place(|| said.read_to_string(heard).unwrap());
        let status = tokio::task::block_in_place(|| self.child.wait().unwrap());
        let output = Output {
            status,
            stdout: self.heard.into_bytes(),
            stderr: self.errors.join().unwrap(),
        };
        assert_no_secret(&world.portal, &output);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let said = String::from_utf8(output.stdout).unwrap() + &errors;
        (output.status.code().unwrap(), said)
    }
}

/// A browser that does not follow redirects by itself.
fn browser() -> reqwest::Client {
    // The program brings its own settings for TLS; a bare client asks for a provider, also for http.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

async fn redirected(address: &str) -> String {
    let answer = browser().get(address).send().await.unwrap();
    answer.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_by_paste_authorises_the_program() {
    let world = Installed::without_tokens(|_| {}, "").await;
    let mut login = Dialogue::start(&world, &["auth", "login"]);
    let address = login.line("/oauth/authorize/").await;
    login.paste(&redirected(&address).await);
    let (code, said) = login.end(&world).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("acme: authorised at 127.0.0.1:"), "{said}");

    let id = world.portal.add_contact("anna", "", "smith");
    world.run_for(0, &["run", "--once"]).await;
    world.portal.edit_contact(id, &[("NAME", "ANNA")]);
    world.run_for(0, &["run", "--once"]).await;
    assert_eq!(
        world.portal.contact(id).unwrap().name.as_deref(),
        Some("Anna")
    );
    assert_eq!(world.portal.violations(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_catches_the_redirect() {
    let world = Installed::without_tokens(|_| {}, "").await;
    let mut login = Dialogue::start(&world, &["auth", "login", "--listen", "127.0.0.1:0"]);
    // The end of the input is no news here.
    login.child.stdin = None;
    let address = login.line("/oauth/authorize/").await;
    let waiting = login.line("Waiting for the browser on ").await;
    let at = waiting.split_whitespace().nth(5).unwrap().to_owned();
    let query = |location: String| location.split_once('?').unwrap().1.to_owned();

    let nothing = browser()
        .get(format!("{at}favicon.ico"))
        .send()
        .await
        .unwrap();
    assert_eq!(nothing.status(), 404);
    let strange = query(world.portal.login("another-state", 1));
    let refused = browser()
        .get(format!("{at}?{strange}"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("another login"));

    // The address that was shown stays good: a stranger's answer uses nothing up.
    let mine = query(redirected(&address).await);
    let page = browser().get(format!("{at}x?{mine}")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["cache-control"], "no-store");
    assert!(
        page.text()
            .await
            .unwrap()
            .contains("You can close this page")
    );
    let (code, said) = login.end(&world).await;
    assert_eq!(code, 0, "{said}");
    world.run_for(0, &["run", "--once"]).await;
}

/// The fields that the portal posts into the frame of an application.
fn frame(grant: &serde_json::Value) -> Vec<(&'static str, String)> {
    let text = |key: &str| grant[key].as_str().unwrap().to_owned();
    vec![
        ("AUTH_ID", text("access_token")),
        ("AUTH_EXPIRES", "3600".to_owned()),
        ("REFRESH_ID", text("refresh_token")),
        ("member_id", text("member_id")),
        ("SERVER_ENDPOINT", text("server_endpoint")),
    ]
}

/// Tokens carry no state: a person has to let them in, whoever else posts.
#[tokio::test(flavor = "multi_thread")]
async fn a_listener_asks_before_it_takes_the_post_of_the_frame() {
    let world = Installed::without_tokens(|_| {}, "").await;
    let mut login = Dialogue::start(&world, &["auth", "login", "--listen", "localhost:0"]);
    let waiting = login.line("Waiting for the browser on ").await;
    let at = waiting.split_whitespace().nth(5).unwrap().to_owned();
    let host = world.portal.url().replace("http://", "");
    let post = |grant: serde_json::Value, origin: Option<String>| {
        let mut request = browser()
            .post(format!("{at}?DOMAIN={host}&PROTOCOL=0&LANG=en&APP_SID=x"))
            .form(&frame(&grant));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        tokio::spawn(async move { request.send().await.unwrap().status().as_u16() })
    };
    let grant = world.portal.authorise();
    for foreign in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let status = post(grant.clone(), Some(foreign.to_owned())).await.unwrap();
        assert_eq!(status, 403, "{foreign}");
    }
    // A stranger's comes first, and is turned away; it costs no request.
    let bogus = serde_json::json!({"access_token": "x", "refresh_token": "y", "member_id": "z",
        "server_endpoint": "https://evil.example/rest/"});
    let stranger = post(bogus, None);
    login.line("Take them?").await;
    assert_eq!(world.portal.requests().len(), 0);
    login.paste("n");
    assert_eq!(stranger.await.unwrap(), 403);

    let mine = post(grant, Some(world.portal.url()));
    login.line("Take them?").await;
    login.paste("y");
    assert_eq!(mine.await.unwrap(), 200);
    let (code, said) = login.end(&world).await;
    assert_eq!(code, 0, "{said}");
    world.run_for(0, &["run", "--once"]).await;
}

/// Others may use this machine: neither idle connections nor answers of their own keep ours out.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_at_the_listener_does_not_keep_the_answer_out() {
    let world = Installed::without_tokens(|_| {}, "").await;
    let mut login = Dialogue::start(&world, &["auth", "login", "--listen", "127.0.0.1:0"]);
    let address = login.line("/oauth/authorize/").await;
    let waiting = login.line("Waiting for the browser on ").await;
    let at = waiting.split_whitespace().nth(5).unwrap().to_owned();
    let host = at.trim_start_matches("http://").trim_end_matches('/');
    let mut idle = Vec::new();
    for number in 0..300 {
        let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
        if number % 3 == 0 {
            let strange =
                format!("GET /?code=c0de12{number:03}&state=s HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let written = tokio::io::AsyncWriteExt::write_all(&mut stream, strange.as_bytes());
            // It may be turned away by now.
            let _ = written.await;
        }
        idle.push(stream);
    }
    let elsewhere = browser()
        .get(format!("{at}?code=c0de1234&state=s"))
        .header("host", "rebound.example:8765")
        .send();
    assert_eq!(elsewhere.await.unwrap().status(), 403);
    let location = redirected(&address).await;
    let mine = location.split_once('?').unwrap().1;
    let page = browser().get(format!("{at}?{mine}")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let (code, said) = login.end(&world).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        said.matches("belongs to another login").count(),
        1,
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_this_machine_may_be_listened_on() {
    let world = Installed::without_tokens(|_| {}, "").await;
    for address in ["0.0.0.0:0", "[::]:0", "8765"] {
        world
            .run_for(64, &["auth", "login", "--listen", address])
            .await;
    }
}

/// The thread that reads standard input does not hold up the end.
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_a_login_at_once() {
    let world = Installed::without_tokens(|_| {}, "").await;
    let mut login = Dialogue::start(&world, &["auth", "login"]);
    login.line("press Enter").await;
    login.signal("-INT");
    let (code, said) = login.end(&world).await;
    assert_eq!(code, 75, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_by_pipe_and_by_file_says_no_secret() {
    let world = Installed::without_tokens(|_| {}, "").await;
    for by_file in [false, true] {
        let grant = world.portal.authorise().to_string();
        world.portal.expire_access_tokens();
        let file = world.folder.path().join("tokens.json");
        std::fs::write(&file, &grant).unwrap();
        let name = file.to_str().unwrap();
        let arguments = if by_file {
            vec!["auth", "import", name, "--json"]
        } else {
            vec!["auth", "import", "--json"]
        };
        let mut import = Dialogue::start(&world, &arguments);
        if !by_file {
            import.paste(&grant);
        }
        import.child.stdin = None;
        let (code, said) = import.end(&world).await;
        assert_eq!(code, 0, "{said}");
        let line = said.lines().next().unwrap();
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["name"], "acme");
        assert_eq!(value["renewed"], true);
        assert_eq!(value["member_id"], world.portal.member_id());
    }
    world.run_for(0, &["run", "--once"]).await;
}

/// The same with what goes wrong: garbage and a dead pair, whose words may end in an error message.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_import_says_no_secret() {
    let world = Installed::without_tokens(|_| {}, "").await;
    let grant = world.portal.authorise().to_string();
    world.portal.expire_access_tokens();
    world.portal.revoke_refresh_tokens();
    for (text, code) in [(&grant[..grant.len() - 5], 65), (&grant, 77)] {
        let mut import = Dialogue::start(&world, &["auth", "import", "-"]);
        import.paste(text);
        import.child.stdin = None;
        let (answered, said) = import.end(&world).await;
        assert_eq!(answered, code, "{said}");
    }
    world.run_for(65, &["auth", "import", "/nowhere"]).await;
}
