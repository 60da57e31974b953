//! The smart style (policy sections 5 to 7): what it knows about names.

mod abbreviations;
mod gaelic;
mod hyphenated;
mod mixed_case;
mod part;
mod particles;
pub(super) mod reading;
mod suffixes;
mod surroundings;
mod syllable;
mod title_case;
pub(super) mod tokens;
mod two_capitals;
