//! Randomness: secrets and ids.

use std::ops::Range;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Chance: from a seed, or real.
pub(crate) struct Chance(StdRng);

impl Chance {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64))
    }

    /// A number within a range.
    pub(crate) fn number(&mut self, range: Range<u32>) -> u32 {
        self.0.random_range(range)
    }

    /// Random hex digits, two per byte.
    pub(crate) fn secret(&mut self, bytes: usize) -> String {
        (0..bytes)
            .map(|_| format!("{:02x}", self.0.random::<u8>()))
            .collect()
    }

    /// A process id: 32 random letters and digits.
    pub(crate) fn process_id(&mut self) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        (0..32)
            .map(|_| char::from(LETTERS[self.0.random_range(0..LETTERS.len())]))
            .collect()
    }
}
