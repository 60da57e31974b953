//! Everything that is wrong with a configuration is reported, at once, one line
//! each, and without a secret in sight.

use b24_tidyd::config::Config;

use crate::config::{MINIMAL, Place};

/// Everything at once, in the order of the file.
#[test]
fn every_problem_is_reported_with_file_key_and_remedy() {
    let place = Place::new();
    place.write("spellings", b"MacKenzie\nFOO: bar\n\xff\n", 0o644);
    let text = r#"colour = "red"
[app]
client_secret = "LEAK-1"
client_secret_file = 5
oauth_url = "https://oauth.bitrix.info/oauth/token/"
[store]
path = ""
[poll]
schedule = "0 0 0 30 2 *"
limit = 0
limits = 3
[names]
style = "clever"
language = "no such tag"
fields = ["NAME", "NICK", "NAME"]
leading_particle = true
particles = { enabled = "yes", extra = ["van der", ""] }
mac_names = "macrae"
overrides_file = "spellings"
[history]
keep_days = -1
[metrics]
textfile = ["x"]
[log]
personal_data = "no"
[[portal]]
name = "acme"
url = "http://acme.bitrix24.com"
auth_connector = " "
burst = 0
rate = -1.5
operating_limit = nan
contacts_api = "crm.item"
batch_seconds = 51
max_changes_per_hour = 1.5
contested_after_writes = 0
contested_period_minutes = 5000000000
heartbeat_url = "LEAK-2"
token = "LEAK-3"
[portal.names]
overrides_file = "missing"
stile = "plain"
[[portal]]
url = "https://user:LEAK-4@acme.bitrix24.com"
[[portal]]
name = "a/b"
url = "https://acme.bitrix24.com/rest/1/LEAK-5/"
"#;
    let problems = place.problems(text);
    assert!(!problems.contains("LEAK"), "{problems}");
    insta::assert_snapshot!(problems, @r#"
DIR/config.toml:1: colour: is not a known key; remove it, or use one of app, history, log, metrics, names, poll, portal, store
DIR/config.toml:3: app.client_secret: is not a known key; keep the secret in a file of its own and name that with client_secret_file, or pass it as the systemd credential client_secret
DIR/config.toml:4: app.client_secret_file: must be a string, not a whole number; put the value in quotes
DIR/config.toml:5: app.oauth_url: holds more than a host (a path, query or fragment); give scheme and host alone, such as "https://acme.bitrix24.com"
DIR/config.toml:7: store.path: is empty; give it a value, or remove the key
DIR/config.toml:9: poll.schedule: never fires; write a cron expression in UTC, seconds first, such as "*/10 * * * * *"
DIR/config.toml:10: poll.limit: is out of range; use a whole number from 1 to 1000000
DIR/config.toml:11: poll.limits: is not a known key; did you mean limit?
DIR/config.toml:13: names.style: is not a value it can have; use "smart" or "plain"
DIR/config.toml:14: names.language: is no language tag; use a tag such as "de" or "pt-BR", or "und" for no particular language
DIR/config.toml:15: names.fields[1]: is not a value it can have; use "NAME" or "SECOND_NAME" or "LAST_NAME"
DIR/config.toml:15: names.fields[2]: stands in the list twice; list each field once
DIR/config.toml:16: names.leading_particle: must be a string, not true or false; put the value in quotes
DIR/config.toml:17: names.particles.enabled: must be true or false, not a string; write true or false without quotes
DIR/config.toml:17: names.particles.extra[0]: is more than one word; list each word by itself
DIR/config.toml:17: names.particles.extra[1]: is empty; give it a value, or remove the key
DIR/config.toml:18: names.mac_names: must be a list, not a string; write it in brackets: ["...", "..."]
DIR/config.toml:21: history.keep_days: is out of range; use a whole number from 1 to 36500
DIR/config.toml:23: metrics.textfile: must be a string, not a list; put the value in quotes
DIR/config.toml:25: log.personal_data: must be true or false, not a string; write true or false without quotes
DIR/config.toml:26: portal.acme.client_id: is missing, here and in [app]; add the id that the portal shows for the local application
DIR/config.toml:28: portal.acme.url: is not an https URL (http is accepted for this machine's loopback addresses alone); write https://
DIR/config.toml:29: portal.acme.auth_connector: is empty; give it a value, or remove the key
DIR/config.toml:30: portal.acme.burst: is out of range; use a number from 0.01 to 1000000
DIR/config.toml:31: portal.acme.rate: is out of range; use a number from 0.01 to 1000000
DIR/config.toml:32: portal.acme.operating_limit: is out of range; use a number from 0.01 to 1000000
DIR/config.toml:33: portal.acme.contacts_api: is not a value it can have; use "auto" or "universal" or "classic"
DIR/config.toml:34: portal.acme.batch_seconds: is out of range; use a number from 0.01 to 50
DIR/config.toml:35: portal.acme.max_changes_per_hour: must be a whole number, not a number with a fraction; write digits without quotes
DIR/config.toml:36: portal.acme.contested_after_writes: is out of range; use a whole number from 1 to 1000000
DIR/config.toml:37: portal.acme.contested_period_minutes: is out of range; use a whole number from 1 to 527040
DIR/config.toml:38: portal.acme.heartbeat_url: is not a URL; copy the full https:// address from the monitoring service
DIR/config.toml:39: portal.acme.token: is not a known key; remove it, or use one of auth_connector, batch_seconds, burst, client_id, client_secret_file, contacts_api, contested_after_writes, contested_period_minutes, heartbeat_url, max_changes_per_hour, name, names, operating_limit, rate, share, url
DIR/config.toml:41: portal.acme.names.overrides_file: names DIR/missing, which cannot be read: No such file or directory (os error 2); create the file and let the service user read it, or remove the key
DIR/config.toml:42: portal.acme.names.stile: is not a known key; did you mean style?
DIR/config.toml:43: portal#2.name: is missing; add one, such as name = "acme"
DIR/config.toml:43: portal#2.client_id: is missing, here and in [app]; add the id that the portal shows for the local application
DIR/config.toml:44: portal#2.url: holds a user name or password; give scheme and host alone, such as "https://acme.bitrix24.com"
DIR/config.toml:45: portal#3.client_id: is missing, here and in [app]; add the id that the portal shows for the local application
DIR/config.toml:46: portal#3.name: has a slash, or more than 64 characters; choose a short name, such as "acme"
DIR/config.toml:47: portal#3.url: holds more than a host (a path, query or fragment); give scheme and host alone, such as "https://acme.bitrix24.com"
DIR/spellings:2: names.overrides_file: unknown prefix "FOO": use NAME:, SECOND_NAME: or LAST_NAME:; correct or remove the line
DIR/spellings:3: names.overrides_file: not UTF-8: save the file in that encoding; correct or remove the line
"#);
}

#[test]
fn a_section_of_the_wrong_kind_hides_no_other() {
    let place = Place::new();
    insta::assert_snapshot!(place.problems("app = 1\npoll = []\nnames = \"x\"\n[portal]\nname = \"a\"\n"), @r#"
DIR/config.toml:1: app: must be a table, not a whole number; write it as a section or in braces
DIR/config.toml:2: poll: must be a table, not a list; write it as a section or in braces
DIR/config.toml:3: names: must be a table, not a string; write it as a section or in braces
DIR/config.toml:4: portal: must be a list of tables, not a table; write its header as [[portal]], once for each
"#);
    insta::assert_snapshot!(place.problems("portal = []\n"), @r#"
DIR/config.toml: portal: there is none; add a [[portal]] with its name and url
"#);
    insta::assert_snapshot!(place.problems("portal = [3]\n"), @r#"
DIR/config.toml:1: portal#1: must be a table, not a whole number; write it as a section or in braces
DIR/config.toml: portal: there is none; add a [[portal]] with its name and url
"#);
    insta::assert_snapshot!(place.problems(""), @r#"
DIR/config.toml: portal: there is none; add a [[portal]] with its name and url
"#);
}

#[test]
fn no_two_portals_share_a_name_or_a_queue() {
    let place = Place::new();
    let text = r#"
app.client_id = "local.1"
[[portal]]
name = "acme"
url = "https://acme.bitrix24.com"
[[portal]]
name = "acme"
url = "https://ACME.bitrix24.com:443/"
[[portal]]
name = "with connector"
url = "https://acme.bitrix24.com"
auth_connector = "tidy"
[[portal]]
name = "another application"
url = "https://acme.bitrix24.com"
client_id = "local.2"
[[portal]]
name = "the same application"
url = "https://acme.bitrix24.com"
client_id = "local.2"
"#;
    insta::assert_snapshot!(place.problems(text), @r#"
DIR/config.toml:6: portal.acme.name: is the name of another portal too (line 3); give each portal a name of its own
DIR/config.toml:6: portal.acme.url: is that of another portal too (line 3), with the same client_id and auth_connector; remove one of the two, or give them different auth_connector values
DIR/config.toml:17: portal."the same application".url: is that of another portal too (line 13), with the same client_id and auth_connector; remove one of the two, or give them different auth_connector values
"#);
}

#[test]
fn addresses_are_https_hosts_or_this_machine() {
    let place = Place::new();
    let with = |url: &str| place.load(MINIMAL.replace("https://acme.bitrix24.com", url));
    for good in [
        "https://acme.bitrix24.com/",
        "https://portal.example:8443",
        "http://127.0.0.1:8080",
        "http://127.8.9.10",
        "http://[::1]:80",
        "http://localhost",
    ] {
        assert!(with(good).is_ok(), "{good}");
    }
    for bad in [
        "http://acme.bitrix24.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://[::2]",
        "ftp://localhost",
        "acme.bitrix24.com",
        "https://",
        "https://acme.bitrix24.com/rest/",
        "https://acme.bitrix24.com/?a=b",
        "https://acme.bitrix24.com/#top",
        "https://me@acme.bitrix24.com",
        "https://:pw@acme.bitrix24.com",
    ] {
        let problems = with(bad).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{bad}: {problems}");
        assert_eq!(problems.0[0].key, "portal.acme.url");
    }
}

#[test]
fn numbers_have_sane_bounds_that_the_message_names() {
    let place = Place::new();
    for (key, most) in [
        ("burst", "1000000"),
        ("rate", "1000000"),
        ("share", "1"),
        ("operating_limit", "1000000"),
        ("batch_seconds", "50"),
    ] {
        for bad in [
            "0", "0.0", "-1", "-0.0", "nan", "inf", "-inf", "\"2\"", "true", "1e-12", "1e300",
        ] {
            let problems = place.load(format!("{MINIMAL}{key} = {bad}\n")).unwrap_err();
            assert_eq!(problems.0.len(), 1, "{key} = {bad}: {problems}");
            assert_eq!(problems.0[0].key, format!("portal.acme.{key}"));
            if !matches!(bad, "\"2\"" | "true") {
                let remedy = format!("use a number from 0.01 to {most}");
                assert_eq!(problems.0[0].remedy, remedy);
            }
        }
        for good in ["1", "0.25", "1e0", "0x1", "0.01", most] {
            assert!(
                place.load(format!("{MINIMAL}{key} = {good}\n")).is_ok(),
                "{key} = {good}"
            );
        }
    }
}

/// One address twice may be meant, so it is only said.
#[test]
fn two_portals_of_one_address_are_remarked() {
    let place = Place::new();
    let text = format!(
        "{MINIMAL}[[portal]]\nname = \"twin\"\nurl = \"https://ACME.bitrix24.com/\"\n\
         auth_connector = \"tidy\"\n"
    );
    let config = place.load(&text).unwrap();
    let remarks: Vec<String> = config.remarks.iter().map(ToString::to_string).collect();
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(
        remarks[0].contains("portal.twin.url: is that of another portal too (line 5)"),
        "{remarks:?}"
    );
    assert_eq!(config.portals[0].other_connectors, ["tidy"]);
    assert!(place.load(MINIMAL).unwrap().remarks.is_empty());
}

/// A password with an `@` would be cut, and a proxy that is none passed over.
#[test]
fn a_proxy_that_cannot_be_meant_is_refused_without_its_password() {
    let mut place = Place::new();
    for bad in [
        "http://user:LE@AK@proxy.example:3128",
        "user:LE@AK@proxy.example",
        "http://user:LE/@AK@proxy.example",
        "htp:/LEAK",
        "socks5://LEAK:1080",
        "http://",
        "http://LEAK:port",
    ] {
        place.set("https_proxy", bad);
        let problems = place.load(MINIMAL).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{bad}: {problems}");
        assert_eq!(problems.0[0].key, "https_proxy");
        assert!(!problems.to_string().contains("LE"), "{problems}");
        assert_eq!(
            bad.matches('@').count() > 1,
            problems.0[0].remedy.contains("%40"),
            "{bad}: {problems}"
        );
    }
    for good in [
        "",
        "proxy.example:3128",
        "http://proxy.example:3128/",
        "HTTPS://user:p%40ss@proxy.example",
        "http://[::1]:3128",
        "127.0.0.1:1",
    ] {
        place.set("https_proxy", good);
        assert!(place.load(MINIMAL).is_ok(), "{good}");
    }
}

/// Whatever has no end, or waits for a writer, is no file.
#[test]
fn only_regular_files_of_a_sane_size_are_read() {
    let place = Place::new();
    let fifo = place.path("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let huge = place.write("huge", "", 0o644);
    let file = std::fs::File::options().write(true).open(&huge).unwrap();
    file.set_len(1 << 33).unwrap();
    for (path, why) in [
        ("/dev/zero", "is not a regular file"),
        (fifo.to_str().unwrap(), "is not a regular file"),
        (huge.to_str().unwrap(), "is longer than 16777216 bytes"),
    ] {
        let problems = Config::load(path.as_ref(), &place.env).unwrap_err();
        assert!(problems.0[0].what.contains(why), "{problems}");
        let named = MINIMAL.replace(
            "[app]",
            &format!("[names]\noverrides_file = {path:?}\n[app]"),
        );
        let problems = place.load(named).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{problems}");
        assert!(problems.0[0].what.contains(why), "{problems}");
    }
}

#[test]
fn a_tilde_is_said_to_be_no_folder() {
    let place = Place::new();
    for text in [
        "[store]\npath = \"~/state.db\"\n",
        "[metrics]\ntextfile = \"~\"\n",
        "[names]\noverrides_file = \"~/names\"\n",
    ] {
        let problems = place.load(format!("{text}{MINIMAL}")).unwrap_err();
        assert!(
            problems.to_string().contains("~, which is no folder"),
            "{problems}"
        );
    }
    let problems = Config::load("~/none.toml".as_ref(), &place.env).unwrap_err();
    assert!(problems.0[0].remedy.contains("whole path"), "{problems}");
    assert!(
        place
            .load(format!("[store]\npath = \"state~\"\n{MINIMAL}"))
            .is_ok()
    );
}

/// Quadratic work would take minutes here.
#[test]
fn many_portals_are_read_quickly() {
    let place = Place::new();
    let mut text = "app.client_id = \"local.1\"\n".to_owned();
    for number in 0..20_000 {
        text += &format!(
            "[[portal]]\nname = \"p{number}\"\nurl = \"https://p{number}.bitrix24.com\"\n"
        );
    }
    let began = std::time::Instant::now();
    let config = place.load(text).unwrap();
    assert_eq!(config.portals.len(), 20_000);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[test]
fn what_cannot_be_read_at_all_is_one_problem_per_place() {
    let place = Place::new();
    let missing = Config::load(&place.path("none.toml"), &place.env).unwrap_err();
    assert_eq!(missing.0.len(), 1);
    assert_eq!(missing.0[0].file, place.path("none.toml"));
    insta::assert_snapshot!(place.problems(b"[app]\nclient_id = \"\xff\"\n"), @r#"
DIR/config.toml:2: is not UTF-8; save the file as UTF-8
"#);
    let problems = place.problems(
        "[app]\nclient_secret_file = LEAK\n[[portal]\nname = \"acme\"\nname = \"LEAK\"\n",
    );
    assert!(!problems.contains("LEAK"), "{problems}");
    insta::assert_snapshot!(problems, @r#"
DIR/config.toml:2: is not valid TOML: string values must be quoted, expected literal string; correct this line, then check again
DIR/config.toml:3: is not valid TOML: unclosed array table, expected `]`; correct this line, then check again
"#);
}
