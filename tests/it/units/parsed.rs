//! A unit file as systemd reads it: sections of `Key=Value` lines, in order.

use std::fs;

use super::folder::shipped;

/// `(section, key, value)` of each line that is neither empty nor a comment.
pub(super) struct UnitFile(Vec<(String, String, String)>);

impl UnitFile {
    /// Reads a unit of `systemd/`. None of ours continues a line.
    pub(super) fn shipped(name: &str) -> Self {
        let text = fs::read_to_string(shipped(name)).unwrap();
        let mut section = String::new();
        let mut lines = Vec::new();
        for line in text.lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
                continue;
            }
            let (key, value) = line.split_once('=').unwrap();
            lines.push((section.clone(), key.to_owned(), value.to_owned()));
        }
        Self(lines)
    }

    /// The `(key, value)` lines of a section.
    pub(super) fn section(&self, name: &str) -> Vec<(String, String)> {
        let lines = self.0.iter().filter(|(section, _, _)| section == name);
        lines
            .map(|(_, key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Every value a key is given in a section.
    pub(super) fn values(&self, section: &str, key: &str) -> Vec<String> {
        let lines = self.section(section).into_iter();
        lines
            .filter(|(k, _)| k == key)
            .map(|(_, value)| value)
            .collect()
    }
}
