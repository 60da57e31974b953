//! The letters of a text: what each is, how words are read and compared, and how case is changed.

pub(super) mod casing;
pub(super) mod fold;
pub(super) mod glyph;
pub(super) mod letters;
pub(super) mod mapping;
pub(super) mod shape;
pub(super) mod spans;
