//! Exploration of every run.

use std::collections::HashMap;

use crate::run::{Choice, Faults, Run};
use crate::{Process, World};

/// Bound on the length of a run, above that of the longest one.
const CHOICES_MAX: usize = 200;

/// Processes and faults to explore.
#[derive(Debug, Clone)]
pub struct Scenario<P> {
    /// Processes, before their first call.
    pub processes: Vec<P>,
    /// Faults of each run, at most.
    pub faults: Faults,
    /// True to make every run, even from a known state.
    pub ignores_known_states: bool,
}

/// Result of an exploration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Explored {
    /// Number of complete runs that differ in at least one choice.
    pub interleavings: u128,
    /// Number of runs for which [`World::check_end`] returned true.
    pub counted: u128,
    /// Number of distinct states.
    pub states: usize,
}

impl<W: World<Process = P>, P: Process<World = W>> Scenario<P> {
    /// Explores every run. Panics if a run does not end, or if a check fails.
    pub fn explore(&self) -> Explored {
        let mut known = HashMap::new();
        let found = self.follow(self.run(&[]), &mut Vec::new(), &mut known);
        Explored { states: known.len(), ..found }
    }

    fn follow(&self, run: Run<W>, choices: &mut Vec<Choice>, known: &mut HashMap<String, Explored>) -> Explored {
        assert!(choices.len() < CHOICES_MAX, "a run does not end: {choices:?}");
        let state = run.state();
        if let Some(found) = known.get(&state).filter(|_| !self.ignores_known_states) {
            return *found;
        }
        run.check(choices);
        let mut found = Explored::default();
        let options = run.options();
        if options.is_empty() {
            found.interleavings = 1;
            found.counted = u128::from(run.check_end(choices));
        }
        // The first option continues this run. The others replay it from the beginning.
        let mut current = Some(run);
        for choice in options {
            let mut run = current.take().unwrap_or_else(|| self.run(choices));
            run.take(choice);
            choices.push(choice);
            let next = self.follow(run, choices, known);
            choices.pop();
            found.interleavings += next.interleavings;
            found.counted += next.counted;
        }
        known.insert(state, found);
        found
    }

    fn run(&self, choices: &[Choice]) -> Run<W> {
        let mut run = Run::new(&self.processes, self.faults);
        for choice in choices {
            run.take(*choice);
        }
        run
    }
}
