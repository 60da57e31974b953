//! Where a client secret is found, which files are refused, and that it shows
//! nowhere.

use std::os::unix::fs::symlink;

use b24_tidyd::config::{Config, SecretSource};
use secrecy::ExposeSecret;

use crate::config::{MINIMAL, Place};

/// Two portals; the first takes every source, the second only common ones.
const TWO: &str = r#"
[app]
client_id = "local.1"
#app
[[portal]]
name = "acme"
url = "https://acme.bitrix24.com"
#acme
[[portal]]
name = "second"
url = "https://second.bitrix24.com"
"#;

fn secrets(config: &Config) -> Vec<(&str, String)> {
    let portals = config.portals.iter();
    portals
        .map(|it| {
            (
                it.client_secret.expose_secret(),
                it.client_secret_source.to_string(),
            )
        })
        .collect()
}

#[test]
fn the_nearest_source_wins() {
    let mut place = Place::new();
    let config = place.load(TWO).unwrap();
    assert_eq!(
        secrets(&config),
        vec![("a-secret", "B24_TIDYD_CLIENT_SECRET".to_owned()); 2]
    );

    place.write("credentials/client_secret", "common\n", 0o440);
    place.set("CREDENTIALS_DIRECTORY", place.path("credentials"));
    let common = format!(
        "the credential {}",
        place.path("credentials/client_secret").display()
    );
    let config = place.load(TWO).unwrap();
    assert_eq!(
        secrets(&config),
        [("common", common.clone()), ("common", common.clone())]
    );

    let own = place.write("credentials/client_secret.acme", "its own", 0o440);
    let config = place.load(TWO).unwrap();
    let own = format!("the credential {}", own.display());
    assert_eq!(secrets(&config), [("its own", own), ("common", common)]);

    place.write("app-file", "app's\r\n", 0o600);
    let text = TWO.replace("#app", "client_secret_file = \"app-file\"");
    let app = "app.client_secret_file".to_owned();
    let config = place.load(&text).unwrap();
    assert_eq!(
        secrets(&config),
        [("app's", app.clone()), ("app's", app.clone())]
    );

    let file = place.write("portal-file", "portal's\n\n", 0o640);
    let text = text.replace("#acme", "client_secret_file = \"portal-file\"");
    let config = place.load(&text).unwrap();
    let key = "portal.acme.client_secret_file".to_owned();
    assert_eq!(
        secrets(&config),
        [("portal's", key.clone()), ("app's", app)]
    );
    assert_eq!(
        config.portals[0].client_secret_source,
        SecretSource::File { key, path: file }
    );
}

#[test]
fn no_secret_at_all_is_one_line_with_every_place() {
    let mut place = Place::without_secret();
    insta::assert_snapshot!(place.problems(MINIMAL), @r#"
DIR/config.toml:5: portal.acme.client_secret_file: no client secret was found; looked at portal.acme.client_secret_file and app.client_secret_file (not set), systemd credentials (CREDENTIALS_DIRECTORY is not set), B24_TIDYD_CLIENT_SECRET (not set); put the secret into a file of mode 0640 or 0600 and name it here or in [app], or pass it as the systemd credential client_secret
"#);
    place.set("CREDENTIALS_DIRECTORY", place.path("credentials"));
    place.set("B24_TIDYD_CLIENT_SECRET", "\n");
    insta::assert_snapshot!(place.problems(MINIMAL), @r#"
DIR/config.toml:5: portal.acme.client_secret_file: no client secret was found; looked at portal.acme.client_secret_file and app.client_secret_file (not set), DIR/credentials/client_secret.acme (not there), DIR/credentials/client_secret (not there), B24_TIDYD_CLIENT_SECRET (which is empty); put the secret into a file of mode 0640 or 0600 and name it here or in [app], or pass it as the systemd credential client_secret
"#);
}

#[test]
fn a_secret_file_that_others_can_read_is_refused() {
    let place = Place::new();
    let text = MINIMAL.replace("[app]", "[app]\nclient_secret_file = \"key\"");
    for mode in [0o600, 0o640, 0o400, 0o660] {
        place.write("key", "s3cret", mode);
        assert!(place.load(&text).is_ok(), "{mode:o}");
    }
    for mode in [0o644, 0o604, 0o602, 0o601, 0o777] {
        place.write("key", "s3cret", mode);
        let problems = place.load(&text).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{problems}");
        assert_eq!(problems.0[0].key, "app.client_secret_file");
        assert!(
            problems.0[0].what.contains(&format!("mode 0{mode:o}")),
            "{problems}"
        );
        assert!(problems.0[0].remedy.contains("chmod"), "{problems}");
    }
}

#[test]
fn the_credentials_directory_is_exempt_even_where_it_is_named() {
    let mut place = Place::without_secret();
    let file = place.write("credentials/client_secret", "s3cret", 0o444);
    place.write("key", "s3cret", 0o444);
    let named =
        |path: &str| MINIMAL.replace("[app]", &format!("[app]\nclient_secret_file = {path:?}"));
    let credential = named(file.to_str().unwrap());
    assert!(
        place.load(&credential).is_err(),
        "nothing says that this is a credential"
    );

    place.set("CREDENTIALS_DIRECTORY", place.path("credentials"));
    assert!(place.load(MINIMAL).is_ok());
    assert!(place.load(&credential).is_ok());
    assert!(place.load(named("credentials/client_secret")).is_ok());
    assert!(place.load(named("credentials/../key")).is_err());
    symlink(place.path("key"), place.path("credentials/link")).unwrap();
    assert!(place.load(named("credentials/link")).is_err());
}

/// Somebody may put the secret itself where the file's name belongs.
#[test]
fn neither_the_secret_nor_the_name_of_its_file_is_ever_shown() {
    let mut place = Place::new();
    place.write("LEAK-open", "LEAK", 0o644);
    place.write("LEAK-empty", " \n", 0o600);
    place.write("LEAK-lines", "LEAK\nLEAK\n", 0o600);
    place.write("LEAK-bytes", b"LEAK\xff", 0o600);
    place.write("LEAK-long", "LEAK".repeat(2000), 0o600);
    place.write("LEAK-folder/x", "LEAK", 0o600);
    let mut seen = Vec::new();
    for file in [
        "open", "empty", "lines", "bytes", "long", "folder", "missing",
    ] {
        let text = MINIMAL.replace(
            "[app]",
            &format!("[app]\nclient_secret_file = \"LEAK-{file}\""),
        );
        seen.push(place.problems(text));
    }
    let seen = seen.join("\n");
    assert!(!seen.contains("LEAK"), "{seen}");
    insta::assert_snapshot!(seen, @r#"
DIR/config.toml:3: app.client_secret_file: the file it names is open to everybody (mode 0644); chmod it 0640 (with the group b24-tidyd) or 0600
DIR/config.toml:3: app.client_secret_file: the file it names is empty; write the application's client_secret into it, on one line, and nothing else
DIR/config.toml:3: app.client_secret_file: the file it names holds more than one line; write the application's client_secret into it, on one line, and nothing else
DIR/config.toml:3: app.client_secret_file: the file it names is not UTF-8; write the application's client_secret into it, on one line, and nothing else
DIR/config.toml:3: app.client_secret_file: the file it names is longer than any client secret; write the application's client_secret into it, on one line, and nothing else
DIR/config.toml:3: app.client_secret_file: the file it names is not a regular file; name the file that holds the secret; a relative path starts at this file's folder
DIR/config.toml:3: app.client_secret_file: the file it names cannot be read: No such file or directory (os error 2); name the file that holds the secret; a relative path starts at this file's folder
"#);

    place.set("B24_TIDYD_CLIENT_SECRET", "LEAK");
    let config = place
        .load(format!(
            "{MINIMAL}heartbeat_url = \"https://hc.example/LEAK\"\n"
        ))
        .unwrap();
    let effective = config.describe();
    let json = serde_json::to_string(&effective).unwrap();
    for text in [
        format!("{config:?}"),
        format!("{effective:?}"),
        effective.to_string(),
        json,
    ] {
        assert!(!text.contains("LEAK"), "{text}");
    }
}

#[test]
fn a_bad_credential_is_not_passed_over() {
    let mut place = Place::new();
    place.write("credentials/client_secret", "", 0o440);
    place.set("CREDENTIALS_DIRECTORY", place.path("credentials"));
    insta::assert_snapshot!(place.problems(MINIMAL), @r#"
DIR/config.toml:5: portal.acme.client_secret_file: is not set, and the credential DIR/credentials/client_secret is empty; correct what LoadCredential= in the unit names
"#);
}

#[test]
fn commands_that_only_read_the_store_need_no_secret() {
    let place = Place::without_secret();
    let text = MINIMAL.replace("[app]", "[app]\nclient_secret_file = \"not readable\"");
    let file = place.write("config.toml", text, 0o644);
    assert!(
        Config::load(&file, &place.env).unwrap().portals[0]
            .require_secret()
            .is_err()
    );
    let config = Config::load_without_secrets(&file, &place.env).unwrap();
    assert_eq!(
        config.portals[0].client_secret_source,
        SecretSource::NotRead
    );
    assert_eq!(config.portals[0].client_secret.expose_secret(), "");
}

#[test]
fn the_effective_configuration_shows_sources_instead_of_secrets() {
    let place = Place::new();
    let config = place.load(MINIMAL).unwrap();
    let folder = place.path("").display().to_string();
    insta::assert_snapshot!(config.describe().to_string().replace(&folder, "DIR/"), @r#"
file = "DIR/config.toml"

[store]
path = "/var/lib/b24-tidyd/state.db"

[poll]
schedule = "*/10 * * * * *"
limit = 1000

[history]
keep_days = 90

[log]
personal_data = false

[[portal]]
name = "acme"
url = "https://acme.bitrix24.com"
client_id = "local.1"
client_secret = "hidden (from B24_TIDYD_CLIENT_SECRET)"
burst = 50.0
rate = 2.0
share = 0.8
operating_limit = 480.0
contacts_api = "auto"
max_changes_per_hour = 100000
contested_after_writes = 5
contested_period_minutes = 60
batch_seconds = 5.0

[portal.names]
style = "smart"
language = "und"
fields = ["NAME", "SECOND_NAME", "LAST_NAME"]
leading_particle = "keep"

[portal.names.particles]
enabled = true
extra = []
"#);
    let json = serde_json::to_value(config.describe()).unwrap();
    assert_eq!(
        json["portal"][0]["client_secret"],
        "hidden (from B24_TIDYD_CLIENT_SECRET)"
    );
    assert_eq!(json["portal"][0]["names"]["fields"][1], "SECOND_NAME");
}

/// A blank or a mark that an editor left would make the server refuse the secret.
#[test]
fn what_cannot_belong_to_a_secret_is_cut_and_that_is_said() {
    let mut place = Place::new();
    let text = MINIMAL.replace("[app]", "[app]\nclient_secret_file = \"key\"");
    for around in [" ", "\t", "\u{a0}", "\u{feff}", "\u{200b}", "\u{3000} \t"] {
        for (file, said) in [
            (format!("{around}s3cret\n"), 1),
            (format!("s3cret{around}\r\n"), 1),
            (format!("{around}s3cret{around}"), 1),
            (format!("\ns3cret{around}"), 1),
            ("s3cret\r\n\n".to_owned(), 0),
        ] {
            place.write("key", &file, 0o600);
            let config = place.load(&text).unwrap();
            assert_eq!(config.portals[0].client_secret.expose_secret(), "s3cret");
            assert_eq!(config.remarks.len(), said, "{file:?}");
            assert!(
                config
                    .remarks
                    .iter()
                    .all(|it| it.key == "app.client_secret_file")
            );
        }
    }
    place.set("B24_TIDYD_CLIENT_SECRET", "\u{feff}s3cret ");
    let config = place.load(MINIMAL).unwrap();
    assert_eq!(config.portals[0].client_secret.expose_secret(), "s3cret");
    assert!(config.remarks[0].what.contains("B24_TIDYD_CLIENT_SECRET"));
}

/// One portal without its secret keeps no other from working.
#[test]
fn a_missing_secret_concerns_its_portal_alone() {
    let place = Place::new();
    let text = TWO.replace("#acme", "client_secret_file = \"missing\"");
    let config = place.load_what_can_be(&text).unwrap();
    let [acme, second] = config.portals.as_slice() else {
        panic!("{config:?}");
    };
    let problem = acme.require_secret().unwrap_err();
    assert_eq!(problem.0[0].key, "portal.acme.client_secret_file");
    assert_eq!(acme.client_secret.expose_secret(), "");
    assert!(second.require_secret().is_ok());
    assert_eq!(config.secret_problems, problem.0);

    // The application's concerns all that have none of their own, and is said once.
    place.write("own", "s3cret", 0o600);
    let text = TWO
        .replace("#app", "client_secret_file = \"missing\"")
        .replace("#acme", "client_secret_file = \"own\"");
    let config = place.load_what_can_be(&text).unwrap();
    assert!(config.portals[0].require_secret().is_ok());
    assert!(config.portals[1].require_secret().is_err());
    assert_eq!(config.secret_problems.len(), 1);
}
