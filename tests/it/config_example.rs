//! The configuration that the package installs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use b24_tidyd::config::SecretSource;

use crate::config::Place;

fn example() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/config.toml");
    fs::read_to_string(file).unwrap()
}

/// The example with every commented key in effect: `#key`, while prose has a
/// space after its `#`.
fn in_full() -> String {
    let lines = example();
    let lines = lines.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => setting,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn it_loads_with_the_secret_as_a_credential() {
    let mut place = Place::without_secret();
    let credential = place.write("credentials/client_secret", "s3cret\n", 0o440);
    place.set("CREDENTIALS_DIRECTORY", place.path("credentials"));
    place.set("STATE_DIRECTORY", "/var/lib/b24-tidyd");

    let config = place.load(example()).unwrap();
    assert_eq!(
        config.portals[0].client_secret_source,
        SecretSource::Credential(credential)
    );
}

#[test]
fn it_shows_the_defaults() {
    let mut place = Place::new();
    place.write("client_secret", "s3cret", 0o640);
    place.write("client_secret.acme", "s3cret", 0o640);
    place.write("overrides.txt", "bell hooks\n", 0o644);
    place.set("STATE_DIRECTORY", "/var/lib/b24-tidyd");
    // Keys without a default show an example instead.
    let optional = [
        "metrics",
        "oauth_url",
        "auth_connector",
        "heartbeat_url",
        "mac_names",
        "overrides_file",
        "client_secret",
        "language",
    ];
    let shown = |text: String| {
        let config = place.load(text).unwrap();
        without(serde_json::to_value(config.describe()).unwrap(), &optional)
    };
    assert_eq!(shown(in_full()), shown(example()));
}

#[test]
fn it_explains_every_key() {
    let place = Place::new();
    place.write("client_secret", "s3cret", 0o640);
    place.write("client_secret.acme", "s3cret", 0o640);
    place.write("overrides.txt", "bell hooks\n", 0o644);
    let config = place.load(in_full()).unwrap();
    let effective = serde_json::to_value(config.describe()).unwrap();
    let mut known = BTreeSet::new();
    keys(&effective, &mut known);
    known.remove("file");

    let text = in_full();
    let missing: Vec<_> = known.iter().filter(|key| !text.contains(*key)).collect();
    assert_eq!(missing, [""; 0]);
    for line in example().lines() {
        assert!(line.len() <= 90, "{line}");
    }
}

fn without(mut value: serde_json::Value, dropped: &[&str]) -> serde_json::Value {
    match &mut value {
        serde_json::Value::Object(map) => {
            map.retain(|key, _| !dropped.contains(&key.as_str()));
            for (_, value) in map.iter_mut() {
                *value = without(value.take(), dropped);
            }
        }
        serde_json::Value::Array(items) => {
            for item in items {
                *item = without(item.take(), dropped);
            }
        }
        _ => {}
    }
    value
}

fn keys(value: &serde_json::Value, into: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                into.insert(key.clone());
                keys(value, into);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, into)),
        _ => {}
    }
}
