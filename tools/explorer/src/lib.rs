//! Model checker for tests: runs real use cases against one world, in every interleaving of their calls.
//!
//! A call is one atomic step. A run is a list of choices: which process makes its next call, which call fails, or which
//! process dies. Each run is replayed from the beginning. If it reaches a known state, the result from there is already
//! known. A state consists of the world's data and, for each process, its progress and the results that it has received
//! since it began its piece of work. These determine everything it does.
//!
//! A test suite implements [`World`] for the data and the checks, and [`Process`] for the use cases. Each of these calls the
//! ports through a [`Gate`].

// Only tests use this crate: a panic fails a test.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used)]

mod gate;
mod run;
mod scenario;

use std::pin::Pin;
use std::sync::Arc;

pub use gate::{Fate, Gate, ready};
pub use run::{Choice, Faults};
pub use scenario::{Explored, Scenario};

/// Data shared by all processes, empty at the start of a run, and the checks of it.
pub trait World: Default {
    /// A process that works on this world.
    type Process: Process<World = Self>;

    /// Returns everything that influences a process. Omits times, which differ between runs.
    fn describe(&self) -> String;

    /// Replaces the parts of a state's description that differ between runs.
    fn canonical(state: String) -> String {
        state
    }

    /// Checks a state, reached by `choices`. Panics if the check fails.
    fn check(&self, choices: &[Choice]);

    /// Checks the state at the end of a run. Returns true if [`Explored::counted`] counts the run. Panics if the check
    /// fails.
    fn check_end<'a>(&self, processes: impl Iterator<Item = &'a Self::Process>, choices: &[Choice]) -> bool
    where
        Self::Process: 'a;
}

/// A piece of work, which makes its calls through a [`Gate`].
pub type Work<T> = Pin<Box<dyn Future<Output = T>>>;

/// Progress of a process, which does one piece of work after the other. It keeps nothing else between them.
pub trait Process: Clone {
    /// World that the process works on.
    type World;
    /// Result of a piece of work.
    type Outcome;

    /// True if a process may die with the first call of a piece of work in flight.
    const FIRST_CALL_MAY_BE_LATE: bool;

    /// Returns everything that influences the process. Omits times, which differ between runs.
    fn describe(&self, world: &Self::World) -> String;

    /// Returns true if a piece of work is left to do.
    fn has_work(&self, world: &Self::World) -> bool;

    /// Begins the next piece of work.
    fn begin(&mut self, gate: Arc<Gate<Self::World>>) -> Work<Self::Outcome>;

    /// Takes in the result of a piece of work.
    fn finish(&mut self, outcome: Self::Outcome);

    /// Loses the current piece of work.
    fn die(&mut self);
}
