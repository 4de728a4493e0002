//! Runs the real use cases against one store and one Payments, in every order that their calls can have.
//!
//! A call is one step, and nothing happens in between. A run is a list of choices: whose step comes next, or who
//! dies. Each list is run from the beginning; where it leads to a state that another one led to already, what can follow is
//! known. A state is what is stored, and of every process what it has been answered since it began, which with its script is
//! all that it goes by.

mod gate;
mod processes;

use std::collections::HashMap;
use std::sync::Arc;

use orders::testing::samples::{eur, euros, request};
use orders::{Evidence, FindOrder, Order, OrderQueries, OrderStatus, OrderView, PaymentLookup, Settle, covering_minor};
use payment_events::PaymentInfo;

pub(crate) use gate::{Gated, World, describe, describe_payments};
pub(crate) use processes::{Process, Script, batch};

/// More than the longest run has.
const CHOICES_MAX: usize = 200;

/// What may go wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trouble {
    /// So many processes die, between any two of their steps. What a dead one was about to do never happens.
    pub(crate) deaths: u32,
    /// So many die while a call is on its way, which takes effect at any time afterwards.
    pub(crate) late_calls: u32,
}

/// What there is to explore.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) scripts: Vec<Script>,
    pub(crate) trouble: Trouble,
    /// Takes no state for known, and so makes every single run.
    pub(crate) forgets: bool,
}

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Explored {
    /// Runs from beginning to end that differ in at least one choice.
    pub(crate) interleavings: u128,
    /// How many of them end with an order that is not in line with its payments.
    pub(crate) unsettled: u128,
    /// States that differ.
    pub(crate) states: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Step(usize),
    Die(usize),
    DieWithCallUnderWay(usize),
    /// A call of a process that is gone takes effect.
    Late(usize),
}

/// One run, as far as it has come.
struct Run {
    world: Arc<World>,
    processes: Vec<Process>,
    late: Vec<Process>,
    trouble: Trouble,
}

impl Scenario {
    /// Explores all of it. Every run has to end.
    pub(crate) fn explore(&self) -> Explored {
        // Steps of the projector have a time limit, which needs a clock; it is never let run out.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let _entered = runtime.enter();
        let mut known = HashMap::new();
        let found = self.follow(self.run(&[]), &mut Vec::new(), &mut known);
        Explored { states: known.len(), ..found }
    }

    fn follow(&self, run: Run, choices: &mut Vec<Choice>, known: &mut HashMap<String, Explored>) -> Explored {
        assert!(choices.len() < CHOICES_MAX, "a run does not end: {choices:?}");
        let state = run.state();
        if let Some(found) = known.get(&state).filter(|_| !self.forgets) {
            return *found;
        }
        run.check_that_it_is_held_for_a_reason(choices);
        let mut found = Explored::default();
        let options = run.options();
        if options.is_empty() {
            found.interleavings = 1;
            found.unsettled = u128::from(!run.is_settled());
            run.check_that_it_settles_when_it_is_shown(choices);
        }
        // The first way on is taken from here, and the others from the beginning.
        let mut here = Some(run);
        for choice in options {
            let mut run = here.take().unwrap_or_else(|| self.run(choices));
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
        let mut run = Run { world: Arc::clone(&world), processes, late: Vec::new(), trouble: self.trouble };
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
            // One that has done nothing yet loses nothing.
            if self.trouble.deaths > 0 && process.has_begun() {
                options.push(Choice::Die(n));
            }
            if self.trouble.late_calls > 0 {
                options.push(Choice::DieWithCallUnderWay(n));
            }
        }
        options.extend((0..self.late.len()).map(Choice::Late));
        options
    }

    fn take(&mut self, choice: Choice) {
        match choice {
            Choice::Step(n) => self.processes[n].step(&self.world),
            Choice::Die(n) => {
                self.trouble.deaths -= 1;
                self.processes[n].die(&self.world);
            }
            Choice::DieWithCallUnderWay(n) => {
                self.trouble.late_calls -= 1;
                let dead = self.processes[n].die(&self.world);
                self.late.push(dead);
            }
            Choice::Late(n) => self.late.remove(n).step(&self.world),
        }
    }

    fn state(&self) -> String {
        let view = self.view();
        let mut state = format!("{} {} {}|", describe(&view), self.trouble.deaths, self.trouble.late_calls);
        state += &describe_payments(&self.payments());
        for process in self.processes.iter().chain(&self.late) {
            state += &process.state();
            state.push('|');
        }
        state
    }

    fn view(&self) -> OrderView {
        gate::at_once(self.world.store.read(&"ord-1".parse().unwrap())).unwrap()
    }

    /// Whether the order stands as it would had it been placed now, on its payments alone: at the end all of them are there,
    /// and what it was decided on before must not matter any more.
    fn is_settled(&self) -> bool {
        let OrderView { order, payments } = self.view();
        let is_accepted = |order: &Order| order.status == OrderStatus::Accepted;
        order.is_some_and(|order| {
            let afresh = Order::place(request("ord-1", euros(1_000)), Evidence::copies(&payments), order.updated_at);
            is_accepted(&order) == is_accepted(&afresh)
        })
    }

    /// Neither the order as it is stored, nor as whoever looks now would leave it, is on hold unless a payment of it counts
    /// for nothing, at Payments or here.
    fn check_that_it_is_held_for_a_reason(&self, choices: &[Choice]) {
        let OrderView { order: Some(order), payments } = self.view() else { return };
        let shown = order.settled(Evidence::copies(&payments), order.updated_at).unwrap_or(order);
        let counts_for_nothing = |payment: &PaymentInfo| covering_minor(payment, eur()) == 0;
        let has_reason = payments.iter().any(|stored| counts_for_nothing(&stored.payment))
            || self.payments().iter().any(counts_for_nothing);
        assert!(shown.status != OrderStatus::OnHold || has_reason, "after {choices:?}");
    }

    fn payments(&self) -> Vec<PaymentInfo> {
        gate::at_once(self.world.payments.payments_of(&"ord-1".parse().unwrap())).unwrap()
    }

    fn check_that_it_settles_when_it_is_shown(&self, choices: &[Choice]) {
        let settle = Settle::new(self.world.store.clone(), self.world.store.clone());
        let find = FindOrder::new(self.world.store.clone(), settle);
        let shown = gate::at_once(find.find(&"ord-1".parse().unwrap())).unwrap();
        if let Some(shown) = shown {
            assert!(self.is_settled(), "after {choices:?}");
            assert_eq!(self.view().order.map(|order| order.status), Some(shown.status));
        }
    }
}
