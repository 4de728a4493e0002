//! Random workload under random faults, and a check that both services agree with the clients afterwards.
//!
//! A [`Plan`] is the sequence of requests of one client: payment, captures, voids, refunds, order. [`random_fault`]
//! generates faults. [`run`] executes many plans under faults in a local environment and waits until it is idle. It
//! then compares the responses that clients received with everything that both services stored, and with the raw hub
//! ([`Findings`]): nothing may be lost, invented, stale or stuck, every invalid record must be in quarantine, and every
//! version must be on the hub, the first time in order.
//!
//! Plans and faults are generated from a seed. The seed does not determine how the processes interleave.

mod act;
mod appeared;
mod check;
mod disturb;
mod faults;
mod hub;
mod insist;
mod kinesis;
mod plan;
mod run;

pub use act::{ActError, act};
pub use appeared::Appeared;
pub use check::{Done, Findings, ReadError, World};
pub use disturb::{DisturbError, Disturbances};
pub use faults::random_fault;
pub use hub::HubError;
pub use insist::InsistError;
pub use kinesis::KinesisError;
pub use payments::PublishModeName;
pub use plan::{Change, Plan, PlannedOrder};
pub use run::{ChaosError, Report, run};

/// Picks a random element. Panics if `from` is empty.
fn pick<T: Clone>(rng: &mut fastrand::Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())].clone()
}
