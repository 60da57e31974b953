use std::path::{Path, PathBuf};

use crate::names::{Field, Language, LeadingParticle, Overrides, Settings, Style};

use super::entry::Entry;
use super::file::{self, LONGEST_TEXT};
use super::problem::Problem;
use super::section::Section;

pub(super) const STYLES: [(&str, Style); 2] = [("smart", Style::Smart), ("plain", Style::Plain)];
pub(super) const LEADING_PARTICLES: [(&str, LeadingParticle); 2] = [
    ("keep", LeadingParticle::Keep),
    ("capital", LeadingParticle::Capital),
];
pub(super) const FIELDS: [(&str, Field); 3] = [
    ("NAME", Field::Name),
    ("SECOND_NAME", Field::SecondName),
    ("LAST_NAME", Field::LastName),
];

/// The keys of a `[names]` or `[portal.names]`, as far as they are there.
#[derive(Clone, Default)]
pub(super) struct NameKeys {
    style: Option<Style>,
    language: Option<Language>,
    fields: Option<Vec<Field>>,
    leading_particle: Option<LeadingParticle>,
    particles_enabled: Option<bool>,
    extra_particles: Option<Vec<String>>,
    mac_names: Option<Vec<String>>,
    overrides: Option<(PathBuf, Overrides)>,
}

impl NameKeys {
    /// Reads the section; the overrides file's relative path starts at `folder`.
    pub(super) fn read(section: &mut Section<'_>, folder: &Path) -> Self {
        let mut particles = section.section("particles");
        let particles_enabled = particles.value("enabled", Entry::boolean).given();
        let extra_particles = particles.value("extra", Entry::words).given();
        particles.refuse_unknown();
        Self {
            style: section
                .value("style", |entry| entry.one_of(&STYLES))
                .given(),
            language: section.value("language", language).given(),
            fields: section.value("fields", fields).given(),
            leading_particle: section
                .value("leading_particle", |entry| entry.one_of(&LEADING_PARTICLES))
                .given(),
            particles_enabled,
            extra_particles,
            mac_names: section.value("mac_names", Entry::words).given(),
            overrides: section
                .value("overrides_file", |entry| overrides(entry, folder))
                .given(),
        }
    }

    /// These keys, and for each that is absent that of `base`. The two keys in
    /// `particles` count singly.
    pub(super) fn over(self, base: &Self) -> Self {
        let base = base.clone();
        Self {
            style: self.style.or(base.style),
            language: self.language.or(base.language),
            fields: self.fields.or(base.fields),
            leading_particle: self.leading_particle.or(base.leading_particle),
            particles_enabled: self.particles_enabled.or(base.particles_enabled),
            extra_particles: self.extra_particles.or(base.extra_particles),
            mac_names: self.mac_names.or(base.mac_names),
            overrides: self.overrides.or(base.overrides),
        }
    }

    /// The fields to tidy, by default all three.
    pub(super) fn fields(&self) -> Vec<Field> {
        let all = || FIELDS.map(|(_, field)| field).to_vec();
        self.fields.clone().unwrap_or_else(all)
    }

    /// The file the overrides were read from.
    pub(super) fn overrides_file(&self) -> Option<PathBuf> {
        self.overrides.as_ref().map(|(file, _)| file.clone())
    }

    /// What the engine needs to know, with the defaults for what is absent.
    pub(super) fn settings(self) -> Settings {
        let default = Settings::default();
        Settings {
            style: self.style.unwrap_or(default.style),
            language: self.language.unwrap_or(default.language),
            leading_particle: self.leading_particle.unwrap_or(default.leading_particle),
            particles_enabled: self.particles_enabled.unwrap_or(default.particles_enabled),
            extra_particles: self.extra_particles.unwrap_or(default.extra_particles),
            mac_names: self.mac_names.or(default.mac_names),
            overrides: self
                .overrides
                .map_or(default.overrides, |(_, overrides)| overrides),
        }
    }
}

fn language(entry: &Entry<'_>) -> Option<Language> {
    let language = Language::parse(entry.text()?);
    if language.is_err() {
        entry.refuse(
            "is no language tag",
            "use a tag such as \"de\" or \"pt-BR\", or \"und\" for no particular language",
        );
    }
    language.ok()
}

fn fields(entry: &Entry<'_>) -> Option<Vec<Field>> {
    let items = entry.items()?;
    if items.is_empty() {
        entry.refuse("names no field", "list at least one, or remove the key");
        return None;
    }
    let mut fields = Vec::new();
    for item in items {
        if let Some(field) = item.one_of(&FIELDS) {
            if fields.contains(&field) {
                item.refuse("stands in the list twice", "list each field once");
            }
            fields.push(field);
        }
    }
    Some(fields)
}

/// Reads and understands the file; its lines that are wrong are each reported
/// with the file's own name and line.
fn overrides(entry: &Entry<'_>, folder: &Path) -> Option<(PathBuf, Overrides)> {
    let file = entry.file(folder)?;
    let bytes = file::read(&file, LONGEST_TEXT)
        .map_err(|error| {
            let problem = entry.problem(
                format!("names {}, which {error}", file.display()),
                "create the file and let the service user read it, or remove the key",
            );
            entry.document().report(Problem {
                passing: error.is_passing(),
                ..problem
            });
        })
        .ok()?;
    match Overrides::parse(&bytes) {
        Ok(overrides) => Some((file, overrides)),
        Err(errors) => {
            for error in errors {
                entry.document().report(Problem {
                    file: file.clone(),
                    line: Some(error.line),
                    ..entry.problem(error.reason.to_string(), "correct or remove the line")
                });
            }
            None
        }
    }
}
