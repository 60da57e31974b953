//! Chance as a value that is passed in, so that a run can be repeated from one seed.

use std::sync::Arc;

/// Where the program takes chance from.
pub trait Chance: Send + Sync {
    /// A number from 0 up to, not including, 1: for delays that must not meet.
    fn fraction(&self) -> f64;

    /// 128 bits that nobody can guess: for a login's state.
    fn secret(&self) -> u128;
}

/// The chance that every part shares.
pub type SharedChance = Arc<dyn Chance>;

/// The machine's own chance.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn fraction(&self) -> f64 {
        rand::random()
    }

    fn secret(&self) -> u128 {
        rand::random()
    }
}
