//! One run: a list of choices, and the state that they lead to.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::{Fate, Gate, Process, Work, World};

/// Number of faults to inject.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Processes that die between two of their calls. Their next call is never made.
    pub deaths: u32,
    /// Processes that die with a call in flight, which takes effect at any later time.
    pub late_calls: u32,
    /// Calls that fail, with or without effect.
    pub failures: u32,
}

/// One choice of a run, with the index of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The process makes its next call, and runs up to the one after it.
    Step(usize, Fate),
    /// The process dies between two calls.
    Die(usize),
    /// The process dies, and its next call takes effect later.
    DieWithCallInFlight(usize),
    /// The call in flight of a dead process takes effect.
    Late(usize),
}

/// State of one run.
pub(crate) struct Run<W: World> {
    world: Arc<W>,
    processes: Vec<Running<W::Process>>,
    /// Dead processes whose call is in flight.
    late: Vec<Running<W::Process>>,
    faults: Faults,
}

/// A process with its current piece of work.
struct Running<P: Process> {
    process: P,
    /// `None` before the first call of a piece of work.
    current: Option<Current<P>>,
}

/// A piece of work with its access to the world.
struct Current<P: Process> {
    gate: Arc<Gate<P::World>>,
    work: Work<P::Outcome>,
}

impl<W: World> Run<W> {
    pub(crate) fn new(processes: &[W::Process], faults: Faults) -> Self {
        let processes = processes.iter().map(|process| Running { process: process.clone(), current: None }).collect();
        Self { world: Arc::default(), processes, late: Vec::new(), faults }
    }

    pub(crate) fn options(&self) -> Vec<Choice> {
        let mut options = Vec::new();
        for (n, running) in self.processes.iter().enumerate() {
            let has_begun = running.current.is_some();
            if !has_begun && !running.process.has_work(&self.world) {
                continue;
            }
            options.push(Choice::Step(n, Fate::Succeeds));
            if self.faults.failures > 0 {
                options.extend([Fate::Fails, Fate::LosesResponse].map(|fate| Choice::Step(n, fate)));
            }
            // A process without any result has nothing to lose.
            if self.faults.deaths > 0 && has_begun {
                options.push(Choice::Die(n));
            }
            if self.faults.late_calls > 0 && (has_begun || W::Process::FIRST_CALL_MAY_BE_LATE) {
                options.push(Choice::DieWithCallInFlight(n));
            }
        }
        options.extend((0..self.late.len()).map(Choice::Late));
        options
    }

    pub(crate) fn take(&mut self, choice: Choice) {
        match choice {
            Choice::Step(n, fate) => {
                self.faults.failures -= u32::from(fate != Fate::Succeeds);
                self.processes[n].step(&self.world, fate);
            }
            Choice::Die(n) => {
                self.faults.deaths -= 1;
                self.processes[n].die();
            }
            Choice::DieWithCallInFlight(n) => {
                self.faults.late_calls -= 1;
                let dead = self.processes[n].die();
                self.late.push(dead);
            }
            Choice::Late(n) => self.late.remove(n).step(&self.world, Fate::Succeeds),
        }
    }

    pub(crate) fn state(&self) -> String {
        let mut state = format!("{:?} {}|", self.faults, self.world.describe());
        for Running { process, current } in self.processes.iter().chain(&self.late) {
            state += &process.describe(&self.world);
            if let Some(Current { gate, .. }) = current {
                state += &gate.results();
            }
            state.push('|');
        }
        W::canonical(state)
    }

    pub(crate) fn check(&self, choices: &[Choice]) {
        self.world.check(choices);
    }

    pub(crate) fn check_end(&self, choices: &[Choice]) -> bool {
        self.world.check_end(self.processes.iter().map(|running| &running.process), choices)
    }
}

impl<P: Process> Running<P> {
    /// Makes the next call, and runs up to the one after it. A piece of work without any call is done in one step.
    fn step(&mut self, world: &Arc<P::World>, fate: Fate) {
        if self.current.is_none() {
            let gate = Gate::new(world);
            let work = self.process.begin(Arc::clone(&gate));
            self.current = Some(Current { gate, work });
            self.poll();
        }
        if let Some(Current { gate, .. }) = &self.current {
            gate.open(fate);
            self.poll();
        }
    }

    fn poll(&mut self) {
        let Some(Current { work, .. }) = &mut self.current else { return };
        if let Poll::Ready(outcome) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            self.current = None;
            self.process.finish(outcome);
        }
    }

    /// Ends the current piece of work. Returns the dead process.
    fn die(&mut self) -> Self {
        let mut process = self.process.clone();
        process.die();
        std::mem::replace(self, Self { process, current: None })
    }
}
