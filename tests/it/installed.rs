//! A folder with configuration, secret and state, for tests that run the real program against a
//! portal on the system's clock.

use crate::world::Awaited;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Output},
    sync::Arc,
};

use b24_tidyd::store::{Store, Tokens};
use tempfile::TempDir;
use test_portal::{Portal, Settings, SystemClock};

/// A portal, and a folder in which the program finds everything it needs.
pub(crate) struct Installed {
    pub(crate) portal: Portal,
    pub(crate) folder: TempDir,
}

impl Installed {
    /// An installation with tokens in the store. `more` is added to the `[[portal]]` section.
    pub(crate) async fn authorised(change: impl FnOnce(&mut Settings), more: &str) -> Self {
        let installed = Self::without_tokens(change, more).await;
        installed.store_tokens();
        installed
    }

    /// Stores freshly issued tokens, as an import does; makes the store where there is none.
    pub(crate) fn store_tokens(&self) {
        self.store_tokens_of(&self.portal);
    }

    /// Stores tokens of any portal.
    pub(crate) fn store_tokens_of(&self, portal: &Portal) {
        let grant = portal.authorise();
        let text = |key: &str| grant[key].as_str().unwrap().to_owned();
        let tokens = Tokens {
            member_id: text("member_id"),
            endpoint: text("client_endpoint"),
            server_endpoint: None,
            access: text("access_token").into(),
            refresh: text("refresh_token").into(),
            access_expires_at: None,
            user_id: Some(1),
        };
        let url = format!("{}/", portal.url().trim_end_matches('/'));
        let now = jiff::Timestamp::now();
        Store::open_or_create(&self.store_path())
            .awaited()
            .unwrap()
            .store_tokens(&portal.client_id(), &url, &tokens, None, now)
            .awaited()
            .unwrap();
    }

    /// An installation that nobody has authorised yet.
    pub(crate) async fn without_tokens(change: impl FnOnce(&mut Settings), more: &str) -> Self {
        let mut settings = Settings::default();
        change(&mut settings);
        let portal = Portal::start(settings, Arc::new(SystemClock))
            .await
            .unwrap();
        let folder = crate::world::fast_folder();
        let secret = folder.path().join("client_secret");
        fs::write(&secret, portal.client_secret()).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let config = format!(
            "[app]\nclient_id = {:?}\nclient_secret_file = \"client_secret\"\noauth_url = {:?}\n\
             [store]\npath = \"state.db\"\n[poll]\nschedule = \"* * * * * *\"\n\
             [[portal]]\nname = \"acme\"\nurl = {:?}\n{more}\n",
            portal.client_id(),
            portal.oauth_url(),
            portal.url()
        );
        let installed = Self { portal, folder };
        fs::write(installed.config_path(), config).unwrap();
        installed
    }

    /// The configuration file.
    pub(crate) fn config_path(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// Where the state lies.
    pub(crate) fn store_path(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    /// The program with these arguments, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_b24-tidyd"));
        command
            .arg("--config")
            .arg(self.config_path())
            .args(arguments);
        command.env_remove("RUST_LOG").env_remove("NOTIFY_SOCKET");
        command
    }

    /// Runs the program to its end, while the portal goes on answering.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap()
    }

    /// Runs the program, expects an exit code, and answers its standard output.
    pub(crate) async fn run_for(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}
