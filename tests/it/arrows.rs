//! Who may know whom: the arrows of the house, read from the `use` lines and paths of the source.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What each room may use. `config` types and the clock are open to everybody, as are a room's own
/// parts.
const MAY_USE: [(&str, &[&str]); 12] = [
    ("main", &["cli"]),
    (
        "cli",
        &[
            "service", "drain", "tidy", "portal", "contact", "names", "bitrix", "store",
        ],
    ),
    ("service", &["drain", "portal", "store"]),
    (
        "drain",
        &["tidy", "queue", "portal", "contact", "bitrix", "store"],
    ),
    (
        "tidy",
        &["queue", "portal", "contact", "names", "bitrix", "store"],
    ),
    ("queue", &["portal", "bitrix", "store"]),
    ("portal", &["bitrix", "store"]),
    ("contact", &["names"]),
    ("config", &["names"]),
    ("names", &[]),
    ("bitrix", &[]),
    ("store", &[]),
];

/// Rooms that anybody may use.
const OPEN: [&str; 2] = ["config", "clock"];

#[test]
fn arrows_point_downwards_only() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (room, used) in uses() {
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == room) else {
            assert!(room == "clock" || room == "lib", "an unknown room: {room}");
            continue;
        };
        seen += 1;
        let pure = ["names", "store"].contains(&room.as_str());
        for other in used {
            let open = OPEN.contains(&other.as_str()) && !(pure && other == "config");
            if other != room && !open && !allowed.contains(&other.as_str()) {
                wrong.push(format!("{room} -> {other}"));
            }
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
    assert_eq!(seen, MAY_USE.len());
}

#[test]
fn only_the_commands_print() {
    let printing: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|(path, text)| {
            let outside = !path.starts_with("cli") && path != Path::new("main.rs");
            outside
                && ["println!", "print!(", "stdout()"]
                    .iter()
                    .any(|word| text.contains(word))
        })
        .map(|(path, _)| path)
        .collect();
    assert_eq!(printing, [] as [PathBuf; 0]);
}

/// The rooms, each with the rooms its files name by `crate::` (or `b24_tidyd::`, from `main`).
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in sources() {
        let first = path
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap();
        let room = rooms
            .entry(first.trim_end_matches(".rs").to_owned())
            .or_default();
        for line in text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            for prefix in ["crate::", "b24_tidyd::"] {
                for (at, _) in line.match_indices(prefix) {
                    room.extend(named(&line[at + prefix.len()..]));
                }
            }
        }
        // `use crate::{ ... }` may stand over many lines.
        for (at, _) in text.match_indices("use crate::{") {
            let rest = &text[at + "use crate::{".len()..];
            room.extend(top_level_names(rest));
        }
    }
    rooms
}

fn named(rest: &str) -> Option<String> {
    let name: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let module = name.chars().next().is_some_and(char::is_lowercase);
    module.then_some(name)
}

/// The names at the first level of a braced list that has just been opened.
fn top_level_names(list: &str) -> BTreeSet<String> {
    let mut depth = 1;
    let mut names = BTreeSet::new();
    let mut fresh = true;
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            c if depth == 1 && fresh && !c.is_whitespace() => {
                names.extend(named(&list[at..]));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

/// Every source file, by its path below `src`.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    found
}
