//! A randomised run: people, robots, faults, kills, renames, plan changes, in any order.
//!
//! The seed is printed; `B24_TIDYD_SEED` repeats what was done to the portal and to the process.
//! (The client's own jitter is not repeated, so that timing may differ a little.)
//! `B24_TIDYD_ROUNDS` makes the run as long as wanted, with a fresh seed unless one is given.

mod chance;
mod mischief;
mod scene;

use rand::{Rng, SeedableRng, rngs::StdRng};
use scene::Scene;

/// Rounds between two looks at the invariants.
const ROUNDS_PER_SET: u32 = 12;

/// Of the short run in the test suite, with its seeds.
const SHORT_ROUNDS: u32 = 48;
const SHORT_SEEDS: [u64; 3] = [1, 2, 3];

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

#[tokio::test]
async fn whatever_happens_everything_is_tidied_in_the_end() {
    let (seed, rounds) = (number("B24_TIDYD_SEED"), number("B24_TIDYD_ROUNDS"));
    if seed.is_none() && rounds.is_none() {
        for seed in SHORT_SEEDS {
            run(seed, SHORT_ROUNDS).await;
        }
        return;
    }
    let mut left = rounds.unwrap_or(u64::from(SHORT_ROUNDS)) as u32;
    let mut seed = seed.unwrap_or_else(rand::random);
    while left > 0 {
        // A world of its own for each few hundred rounds: settings differ from world to world.
        let rounds = left.min(240);
        run(seed, rounds).await;
        left -= rounds;
        seed = seed.wrapping_add(1);
    }
}

async fn run(seed: u64, rounds: u32) {
    println!("B24_TIDYD_SEED={seed} ({rounds} rounds)");
    let mut chance = StdRng::seed_from_u64(seed);
    let mut scene = Scene::new(seed, &mut chance).await;
    for round in 1..=rounds {
        for _ in 0..chance.random_range(0..6) {
            scene.something_happens(&mut chance);
        }
        scene.work(&mut chance).await;
        if round % ROUNDS_PER_SET == 0 || round == rounds {
            scene.settle().await;
        }
    }
}
