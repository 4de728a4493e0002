//! Random work under random faults, and whether both services agree on it afterwards.
//!
//! [`Plan`] is what one client does: pays, captures, voids, refunds, orders. [`random_fault`] is what goes wrong meanwhile. [`run`]
//! does many of both side by side in a local environment, waits for quiet, and holds what the clients were told against all that
//! both services stored ([`Findings`]): nothing lost, invented, stale or stuck, and every record that is no event in quarantine.
//!
//! All of it is made from a seed. The seed does not fix how the processes interleave.

mod act;
mod check;
mod disturb;
mod faults;
mod insist;
mod plan;
mod run;

pub use act::{ActError, act};
pub use check::{Done, Findings, ReadError, World};
pub use disturb::{DisturbError, Disturbances};
pub use faults::random_fault;
pub use insist::InsistError;
pub use plan::{Change, Plan, PlannedOrder};
pub use run::{ChaosError, Report, run};

/// One of them. There is at least one.
fn pick<T: Clone>(rng: &mut fastrand::Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())].clone()
}
