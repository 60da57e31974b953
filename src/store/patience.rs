//! Waiting for another process that has the state file.

use std::{iter, time::Duration};

use crate::clock::{Clock, after};

/// The waits between attempts, in milliseconds: short ones first, as most transactions are.
const FIRST: [u64; 11] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50];
const THEN: u64 = 100;

/// Five seconds in all.
const TIMES: usize = 48;

/// Makes an attempt until the file is free, on the caller's clock, for five seconds at most. The
/// last answer counts.
pub(super) async fn patiently<T, E>(
    clock: &dyn Clock,
    is_busy: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    for nap in FIRST.into_iter().chain(iter::repeat_n(THEN, TIMES)) {
        match attempt() {
            Err(fault) if is_busy(&fault) => {}
            other => return other,
        }
        let nap = Duration::from_millis(nap).as_secs_f64();
        clock.sleep_until(after(clock.now(), nap)).await;
    }
    attempt()
}
