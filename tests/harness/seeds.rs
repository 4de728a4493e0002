//! Random schedules of a test, each determined by its seed.

use std::fmt::Debug;
use std::str::FromStr;

/// Environments that run schedules concurrently, each with its own faults. Most of the time each is waiting. Their number
/// is even, so that the seeds of an environment are all odd or all even.
const ENVIRONMENTS: usize = 6;

/// Returns the value of an environment variable, if it is set.
///
/// # Panics
/// If the value cannot be parsed.
pub fn variable<T: FromStr<Err: Debug>>(name: &str) -> Option<T> {
    Some(std::env::var(name).ok()?.parse().unwrap_or_else(|error| panic!("{name}: {error:?}")))
}

/// Calls `run` concurrently with the seeds of each environment. The first seed is `PAYSTREAM_SEED`, by default 1. The
/// number of seeds is the value of `count_variable`, otherwise 1 if `PAYSTREAM_SEED` is set, otherwise `default`.
///
/// # Panics
/// If a run panics, or a runtime does not start.
pub fn run_seeds<F: Future<Output = ()>>(count_variable: &str, default: u64, run: impl Fn(Vec<u64>) -> F + Sync) {
    let seed: Option<u64> = variable("PAYSTREAM_SEED");
    let count = variable(count_variable).unwrap_or(if seed.is_some() { 1 } else { default });
    let seeds = seed.unwrap_or(1)..seed.unwrap_or(1) + count;
    let run = &run;
    std::thread::scope(|threads| {
        for first in seeds.clone().take(ENVIRONMENTS) {
            let seeds = (first..seeds.end).step_by(ENVIRONMENTS).collect();
            threads.spawn(move || {
                let runtime = tokio::runtime::Runtime::new().unwrap_or_else(|error| panic!("{error}"));
                runtime.block_on(run(seeds));
            });
        }
    });
}
