//! Model checker: runs the real use cases against one table and one processor, in every interleaving of their calls.
//!
//! A call is one atomic step. A run is a list of choices: which process takes the next step, which call fails, or which
//! process dies. Each run is replayed from the beginning. If it reaches a known state, the result from there is already
//! known. A state consists of the stored data and, for each process, the results it has received since its start. These
//! and its script determine everything it does.

mod process;
mod world;

use std::collections::HashMap;
use std::sync::Arc;

use payment_events::{Money, PaymentStatus};
use payments::{Caller, PaymentRequest, Status};

use process::Process;
pub(crate) use process::Script;
use world::{ChargeState, Fate, World, described, without_random_keys};

/// Bound on the length of a run, above that of the longest one.
const CHOICES_MAX: usize = 200;

/// Number of faults to inject.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Processes that die between two of their calls.
    pub(crate) deaths: u32,
    /// Processes that die with a call in flight, which takes effect at any later time.
    pub(crate) late_calls: u32,
    /// Calls that fail, with or without effect.
    pub(crate) failures: u32,
}

/// Processes and faults to explore.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) scripts: Vec<Script>,
    pub(crate) faults: Faults,
    /// True to make every run, even from a known state.
    pub(crate) ignores_known_states: bool,
}

/// Result of an exploration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Explored {
    /// Number of complete runs that differ in at least one choice.
    pub(crate) interleavings: u128,
    /// Number of runs that end with a declined payment.
    pub(crate) declined: u128,
    /// Number of distinct states.
    pub(crate) states: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Step(usize, Fate),
    Die(usize),
    DieWithCallInFlight(usize),
    /// The call in flight of a dead process takes effect.
    Late(usize),
}

/// State of one run.
struct Run {
    world: Arc<World>,
    processes: Vec<Process>,
    late: Vec<Process>,
    faults: Faults,
}

/// The only payment.
pub(crate) fn request() -> PaymentRequest {
    PaymentRequest {
        caller: Caller::named(None),
        key: "key-1".parse().unwrap(),
        order_id: "ord-1".parse().unwrap(),
        amount: Money::new(1299, "EUR".parse().unwrap()).unwrap(),
        token: "tok_approve".parse().unwrap(),
        trace_parent: None,
    }
}

impl Scenario {
    /// Explores every run. Panics if a run does not end, or if a check fails.
    pub(crate) fn explore(&self) -> Explored {
        let mut known = HashMap::new();
        let found = self.follow(self.run(&[]), &mut Vec::new(), &mut known);
        Explored { states: known.len(), ..found }
    }

    fn follow(&self, run: Run, choices: &mut Vec<Choice>, known: &mut HashMap<String, Explored>) -> Explored {
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
            found.declined = u128::from(run.check_end(choices) == Some(Status::Public(PaymentStatus::Declined)));
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
            found.declined += next.declined;
        }
        known.insert(state, found);
        found
    }

    fn run(&self, choices: &[Choice]) -> Run {
        let world = Arc::new(World::default());
        let processes = self.scripts.iter().map(|script| Process::new(*script, &world)).collect();
        let mut run = Run { world, processes, late: Vec::new(), faults: self.faults };
        for choice in choices {
            run.take(*choice);
        }
        run
    }
}

impl Run {
    fn options(&self) -> Vec<Choice> {
        let mut options = Vec::new();
        for (n, process) in self.processes.iter().enumerate().filter(|(_, process)| process.can_step(&self.world)) {
            options.push(Choice::Step(n, Fate::Succeeds));
            if self.faults.failures > 0 {
                options.extend([Fate::Fails, Fate::LosesResponse].map(|fate| Choice::Step(n, fate)));
            }
            if self.faults.deaths > 0 && process.has_begun() {
                options.push(Choice::Die(n));
            }
            if self.faults.late_calls > 0 && process.has_begun() {
                options.push(Choice::DieWithCallInFlight(n));
            }
        }
        options.extend((0..self.late.len()).map(Choice::Late));
        options
    }

    fn take(&mut self, choice: Choice) {
        match choice {
            Choice::Step(n, fate) => {
                self.faults.failures -= u32::from(fate != Fate::Succeeds);
                self.processes[n].step(&self.world, fate);
            }
            Choice::Die(n) => {
                self.faults.deaths -= 1;
                self.processes[n].die(&self.world);
            }
            Choice::DieWithCallInFlight(n) => {
                self.faults.late_calls -= 1;
                let dead = self.processes[n].die(&self.world);
                self.late.push(dead);
            }
            Choice::Late(n) => self.late.remove(n).step(&self.world, Fate::Succeeds),
        }
    }

    fn state(&self) -> String {
        let stored = self.world.record(&request().payment_id().unwrap());
        let stored = stored.as_ref().map(described).unwrap_or_default();
        let mut state = format!("{:?} {stored} {:?}|", self.faults, *self.world.charge());
        for process in self.processes.iter().chain(&self.late) {
            state += &process.state(&self.world);
            state.push('|');
        }
        without_random_keys(&state)
    }

    /// Status of the payment; `None` if it was not begun.
    fn status(&self) -> Option<Status> {
        self.world.record(&request().payment_id().unwrap()).map(|record| record.payment.status)
    }

    /// Checks that the key was charged once at most, that an authorized payment is held and that a declined one is not.
    fn check(&self, choices: &[Choice]) {
        let charge = *self.world.charge();
        assert!(charge.holds <= 1, "a key is charged twice after {choices:?}");
        match self.status() {
            Some(Status::Public(PaymentStatus::Authorized)) => {
                assert_eq!(charge.state, ChargeState::Held, "an authorized payment is not held after {choices:?}");
            }
            Some(Status::Public(_)) => {
                assert_eq!(charge.state, ChargeState::Voided, "a declined key can be charged after {choices:?}");
            }
            _ => {}
        }
    }

    /// Checks that the payment is decided, as its clients were told. Returns its status.
    fn check_end(&self, choices: &[Choice]) -> Option<Status> {
        let status = self.status();
        assert_ne!(status, Some(Status::Processing), "the payment is undecided after {choices:?}");
        for answer in self.processes.iter().filter_map(|process| process.answer) {
            assert_eq!(Some(answer), status, "a client was told otherwise after {choices:?}");
        }
        status
    }
}
