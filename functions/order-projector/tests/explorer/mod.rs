//! Model checker: runs the real use cases against one store and one Payments API, in every interleaving of their calls.
//!
//! A call is one atomic step. A run is a list of choices: which process takes the next step, or which one dies. Each
//! run is replayed from the beginning. If it reaches a known state, the result from there is already known. A state
//! consists of the stored data and, for each process, the results it has received since its start. These and its script
//! determine everything it does.

mod gate;
mod processes;

use std::collections::HashMap;
use std::sync::Arc;

use orders::testing::samples::{eur, euros, request};
use orders::{Evidence, FindOrder, Order, OrderQueries, OrderStatus, OrderView, PaymentLookup, Settle, covering_minor};
use payment_events::PaymentInfo;

pub(crate) use gate::{Gated, World, describe, describe_payments};
pub(crate) use processes::{Process, Script, batch};

/// Bound on the length of a run, above that of the longest one.
const CHOICES_MAX: usize = 200;

/// Number of faults to inject.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Processes that die between two of their steps. Their next call is never made.
    pub(crate) deaths: u32,
    /// Processes that die with a call in flight, which takes effect at any later time.
    pub(crate) late_calls: u32,
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
    /// Number of runs that end with an order whose status does not match its payments.
    pub(crate) unsettled: u128,
    /// Number of distinct states.
    pub(crate) states: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Step(usize),
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

impl Scenario {
    /// Explores every run. Panics if a run does not end.
    pub(crate) fn explore(&self) -> Explored {
        // The projector's timeouts need a clock. It is paused, so they never expire.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let _entered = runtime.enter();
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
        run.check_hold_has_reason(choices);
        let mut found = Explored::default();
        let options = run.options();
        if options.is_empty() {
            found.interleavings = 1;
            found.unsettled = u128::from(!run.is_settled());
            run.check_reading_settles(choices);
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
            found.unsettled += next.unsettled;
        }
        known.insert(state, found);
        found
    }

    fn run(&self, choices: &[Choice]) -> Run {
        let world = Arc::new(World::default());
        let start = |(number, script): (usize, &Script)| Process::start(number, script.clone(), &world);
        let processes = self.scripts.iter().enumerate().map(start).collect();
        let mut run = Run { world: Arc::clone(&world), processes, late: Vec::new(), faults: self.faults };
        for choice in choices {
            run.take(*choice);
        }
        run
    }
}

impl Run {
    fn options(&self) -> Vec<Choice> {
        let mut options = Vec::new();
        for (n, process) in self.processes.iter().enumerate().filter(|(_, process)| !process.is_done()) {
            options.push(Choice::Step(n));
            // A process without any result has nothing to lose.
            if self.faults.deaths > 0 && process.has_begun() {
                options.push(Choice::Die(n));
            }
            if self.faults.late_calls > 0 {
                options.push(Choice::DieWithCallInFlight(n));
            }
        }
        options.extend((0..self.late.len()).map(Choice::Late));
        options
    }

    fn take(&mut self, choice: Choice) {
        match choice {
            Choice::Step(n) => self.processes[n].step(&self.world),
            Choice::Die(n) => {
                self.faults.deaths -= 1;
                self.processes[n].die(&self.world);
            }
            Choice::DieWithCallInFlight(n) => {
                self.faults.late_calls -= 1;
                let dead = self.processes[n].die(&self.world);
                self.late.push(dead);
            }
            Choice::Late(n) => self.late.remove(n).step(&self.world),
        }
    }

    fn state(&self) -> String {
        let view = self.view();
        let mut state = format!("{} {} {}|", describe(&view), self.faults.deaths, self.faults.late_calls);
        state += &describe_payments(&self.payments());
        for process in self.processes.iter().chain(&self.late) {
            state += &process.state();
            state.push('|');
        }
        state
    }

    fn view(&self) -> OrderView {
        gate::ready(self.world.store.read(&"ord-1".parse().unwrap())).unwrap()
    }

    /// Returns true if the order has the status it would get if it were placed now. At the end of a run all payments
    /// have arrived, so the previous decision must not matter any more.
    fn is_settled(&self) -> bool {
        let OrderView { order, payments, .. } = self.view();
        let is_accepted = |order: &Order| order.status == OrderStatus::Accepted;
        order.is_some_and(|order| {
            let afresh = Order::place(request("ord-1", euros(1_000)), Evidence::copies(&payments), order.updated_at);
            is_accepted(&order) == is_accepted(&afresh)
        })
    }

    /// Checks that the order, settled now, is on hold only if one of its payments covers nothing, in the Payments API
    /// or in the read model.
    fn check_hold_has_reason(&self, choices: &[Choice]) {
        let OrderView { order: Some(order), payments, .. } = self.view() else { return };
        let settled = order.settled(Evidence::copies(&payments), order.updated_at).unwrap_or(order);
        let covers_nothing = |payment: &PaymentInfo| covering_minor(payment, eur()) == 0;
        let has_reason =
            payments.iter().any(|stored| covers_nothing(&stored.payment)) || self.payments().iter().any(covers_nothing);
        assert!(settled.status != OrderStatus::OnHold || has_reason, "after {choices:?}");
    }

    fn payments(&self) -> Vec<PaymentInfo> {
        gate::ready(self.world.payments.payments_of(&"ord-1".parse().unwrap())).unwrap().payments
    }

    fn check_reading_settles(&self, choices: &[Choice]) {
        let settle = Settle::new(self.world.store.clone(), self.world.store.clone());
        let find = FindOrder::new(self.world.store.clone(), settle);
        let found = gate::ready(find.find(&"ord-1".parse().unwrap())).unwrap();
        if let Some(found) = found {
            assert!(self.is_settled(), "after {choices:?}");
            assert_eq!(self.view().order.map(|order| order.status), Some(found.order.status));
        }
    }
}
