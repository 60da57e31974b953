//! Who may know whom: the arrows of the house, read from the `use` lines and paths of the source.

mod imports;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use imports::{Arrow, Module, Modules, sources};

/// What each room may use. `config` types and the clock are open to everybody, as are a room's own
/// parts.
const MAY_USE: [(&str, &[&str]); 13] = [
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
    ("condition", &[]),
    ("bitrix", &[]),
    ("store", &[]),
];

/// Rooms that anybody may use.
const OPEN: [&str; 4] = ["config", "clock", "chance", "condition"];

#[test]
fn arrows_point_downwards_only() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (room, used) in uses() {
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == room) else {
            let open = ["clock", "chance", "lib"].contains(&room.as_str());
            assert!(open, "an unknown room: {room}");
            continue;
        };
        seen += 1;
        let pure = ["names", "store", "condition"].contains(&room.as_str());
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
        .filter(|source| {
            let outside = !source.path.starts_with("cli") && source.path != Path::new("main.rs");
            outside
                && ["println!", "print!(", "stdout()"]
                    .iter()
                    .any(|word| source.text.contains(word))
        })
        .map(|source| source.path)
        .collect();
    assert_eq!(printing, [] as [PathBuf; 0]);
}

/// A file uses nothing of the files above it in its folder but types that stand there for all.
#[test]
fn no_file_uses_what_its_own_folder_is_made_of() {
    let wrong: Vec<String> = arrows()
        .into_iter()
        .filter(|arrow| is_above(&arrow.to, &arrow.from) && !arrow.names_a_type())
        .filter(|arrow| !arrow.to.is_empty())
        .map(|arrow| {
            let item = arrow.item.unwrap_or_default();
            format!("{} uses {item} of {}", name(&arrow.from), name(&arrow.to))
        })
        .collect();
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn no_files_stand_in_a_circle() {
    let mut below: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for arrow in arrows() {
        // Types that stand at the head of a folder stand there for all.
        if !is_above(&arrow.to, &arrow.from) {
            below.entry(arrow.from).or_default().insert(arrow.to);
        }
    }
    let mut circles = BTreeSet::new();
    for start in below.keys() {
        if let Some(way) = way_back(&below, start) {
            let mut names: Vec<String> = way.iter().map(name).collect();
            names.sort();
            circles.insert(names.join(", "));
        }
    }
    assert_eq!(circles, BTreeSet::new());
}

/// The shortest way from a file back to itself.
fn way_back(below: &BTreeMap<Module, BTreeSet<Module>>, start: &Module) -> Option<Vec<Module>> {
    let mut ways = std::collections::VecDeque::from([vec![start.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in below.get(way.last()?).into_iter().flatten() {
            if next == start {
                return Some(way);
            }
            if seen.insert(next.clone()) {
                let mut longer = way.clone();
                longer.push(next.clone());
                ways.push_back(longer);
            }
        }
    }
    None
}

fn is_above(high: &Module, low: &Module) -> bool {
    low.len() > high.len() && low.starts_with(high)
}

fn name(module: &Module) -> String {
    module.join("::")
}

/// The arrows between files.
fn arrows() -> Vec<Arrow> {
    let arrows = Modules::read(&sources()).arrows();
    assert!(
        arrows.len() > 200,
        "the source is not read: {}",
        arrows.len()
    );
    arrows
}

/// The rooms, each with the rooms that its files name.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let sources = sources();
    for source in &sources {
        let first = source.path.iter().next().unwrap().to_str().unwrap();
        rooms
            .entry(first.trim_end_matches(".rs").to_owned())
            .or_default();
    }
    for arrow in Modules::read(&sources).arrows() {
        let room = |module: &Module| module.first().cloned();
        if let (Some(from), Some(to)) = (room(&arrow.from), room(&arrow.to)) {
            rooms.entry(from).or_default().insert(to);
        }
    }
    rooms
}
