//! The source as modules, and who names whom: `use` trees and paths in the text, re-exports followed to
//! the file in which an item stands.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A module by its path below the crate; empty for `lib.rs`.
pub(super) type Module = Vec<String>;

/// A source file.
pub(super) struct Source {
    /// Its path below `src`.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) text: String,
}

/// Somebody names something of somebody else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub(super) from: Module,
    pub(super) to: Module,
    /// What is named there; none for the module as such.
    pub(super) item: Option<String>,
}

impl Arrow {
    /// A type stands at the other end.
    pub(super) fn names_a_type(&self) -> bool {
        let item = self.item.as_deref().unwrap_or_default();
        item.starts_with(char::is_uppercase) && item.contains(char::is_lowercase)
    }
}

/// Every source file.
pub(super) fn sources() -> Vec<Source> {
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
                let path = path.strip_prefix(&root).unwrap().to_owned();
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// All modules, each with the names that its `use` lines bind and the paths that its text names.
pub(super) struct Modules(BTreeMap<Module, Named>);

#[derive(Default)]
struct Named {
    bound: Vec<(String, Vec<String>)>,
    paths: Vec<Vec<String>>,
}

impl Modules {
    pub(super) fn read(sources: &[Source]) -> Self {
        let modules = sources.iter().map(|source| {
            let code = without_comments_and_tests(&source.text);
            (module_of(&source.path), Named::read(&code))
        });
        Self(modules.collect())
    }

    /// Every arrow from one file to another.
    pub(super) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (from, named) in &self.0 {
            let bound = named.bound.iter().map(|(_, path)| path);
            for path in bound.chain(&named.paths) {
                if let Some((to, item)) = self.resolve(from, path, 0)
                    && to != *from
                {
                    let from = from.clone();
                    arrows.push(Arrow { from, to, item });
                }
            }
        }
        arrows.sort();
        arrows.dedup();
        arrows
    }

    /// Where a path leads that stands in `from`; none for other crates.
    fn resolve(
        &self,
        from: &Module,
        path: &[String],
        depth: u32,
    ) -> Option<(Module, Option<String>)> {
        let mut rest = path;
        let mut at = from.clone();
        match rest.first()?.as_str() {
            "crate" | "b24_tidyd" => {
                at.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|word| word == "super") {
                    at.pop()?;
                    rest = &rest[1..];
                }
            }
            child => {
                at.push(child.to_owned());
                if !self.0.contains_key(&at) {
                    return None;
                }
                rest = &rest[1..];
            }
        }
        for (index, word) in rest.iter().enumerate() {
            let mut deeper = at.clone();
            deeper.push(word.clone());
            if self.0.contains_key(&deeper) {
                at = deeper;
                continue;
            }
            let named = self.0.get(&at)?;
            let elsewhere = named.bound.iter().find(|(name, _)| name == word);
            return match elsewhere {
                Some((_, path)) if depth < 8 && at != *from => {
                    let path: Vec<String> =
                        path.iter().chain(&rest[index + 1..]).cloned().collect();
                    self.resolve(&at, &path, depth + 1)
                }
                _ => Some((at, Some(word.clone()))),
            };
        }
        Some((at, None))
    }
}

impl Named {
    fn read(code: &str) -> Self {
        let mut named = Self::default();
        let mut others = String::new();
        let mut rest = code;
        while let Some(at) = next_use(rest) {
            others.push_str(&rest[..at]);
            let tree = &rest[at + "use ".len()..];
            let end = tree.find(';').unwrap_or(tree.len());
            read_tree(&tree[..end], &[], &mut named.bound);
            rest = &tree[end..];
        }
        others.push_str(rest);
        for start in ["crate::", "super::", "self::"] {
            for (at, _) in others.match_indices(start) {
                let before = &others[..at];
                let inside = before.ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
                // A visibility names no one.
                if !inside && !before.ends_with("pub(in ") {
                    named.paths.push(path_at(&others[at..]));
                }
            }
        }
        named
    }
}

/// Where the next `use` begins, at the start of a line or behind a visibility.
fn next_use(code: &str) -> Option<usize> {
    let starts = code.match_indices("use ").map(|(at, _)| at);
    starts
        .filter(|at| {
            let line = code[..*at].rsplit('\n').next().unwrap_or_default().trim();
            line.is_empty() || line == "pub" || (line.starts_with("pub(") && line.ends_with(')'))
        })
        .min()
}

/// The path that stands at the start of a text.
fn path_at(text: &str) -> Vec<String> {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(text.len());
    let words = text[..end].split("::").filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The names that a `use` tree binds, each with its whole path.
fn read_tree(tree: &str, prefix: &[String], bound: &mut Vec<(String, Vec<String>)>) {
    for branch in branches(tree) {
        let (head, inner) = match branch.split_once('{') {
            Some((head, inner)) => (head, Some(inner.trim_end().trim_end_matches('}'))),
            None => (branch, None),
        };
        let (head, alias) = match head.split_once(" as ") {
            Some((head, alias)) => (head, Some(alias.trim())),
            None => (head, None),
        };
        let words = head
            .split("::")
            .map(str::trim)
            .filter(|word| !word.is_empty());
        let mut path: Vec<String> = prefix.to_vec();
        path.extend(words.filter(|word| *word != "*").map(str::to_owned));
        match inner {
            Some(inner) => read_tree(inner, &path, bound),
            None => {
                if path.len() > 1 && path.last().is_some_and(|word| word == "self") {
                    path.pop();
                }
                if let Some(name) = alias.map(str::to_owned).or_else(|| path.last().cloned()) {
                    bound.push((name, path));
                }
            }
        }
    }
}

/// The parts between the commas of the first level.
fn branches(tree: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, character) in tree.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(tree[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(tree[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn module_of(path: &Path) -> Module {
    let mut module: Module = path
        .with_extension("")
        .iter()
        .map(|word| word.to_str().unwrap().to_owned())
        .collect();
    if module.last().is_some_and(|word| word == "mod") || module == ["lib"] {
        module.pop();
    }
    module
}

fn without_comments_and_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}
