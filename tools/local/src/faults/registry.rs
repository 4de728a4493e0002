//! Which faults happen to a call. Everything left to chance comes from the faults' own seeds, so that the same calls in the
//! same order meet the same faults.

use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use super::fault::{ANY_OPERATION, Effect, Fault, Moment, Target};
use crate::emulators::ErrorAnswer;

/// Names a fault that has been injected. The first of an environment is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FaultId(pub u64);

/// A fault that has been injected, and what has come of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InjectedFault {
    /// Its name.
    pub id: FaultId,
    /// The fault.
    pub fault: Fault,
    /// Calls that it was held against and that matched, those it let pass included. One that is spent is held against
    /// none.
    pub matched: u64,
    /// Of these, those that it happened to.
    pub struck: u64,
}

/// Every fault, in the order of injection.
#[derive(Default)]
pub(super) struct FaultRegistry {
    faults: Vec<ActiveFault>,
    last_id: u64,
}

struct ActiveFault {
    injected: InjectedFault,
    chance: Rng,
}

/// A call that is about to be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) target: &'a Target,
    pub(super) operation: &'a str,
    /// The function that makes it, where a function does.
    pub(super) caller: Option<&'a str>,
}

/// What is to happen to a call.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// To be waited for first.
    pub(super) latency: Duration,
    /// Instead of carrying it out as it is.
    pub(super) ending: Option<Ending>,
    /// The faults that struck, for the log.
    pub(super) struck: Vec<FaultId>,
}

/// How a call ends other than it should.
#[derive(Debug)]
pub(crate) enum Ending {
    Error(ErrorAnswer),
    Throttle,
    Reset(Moment),
    Kill(Moment),
    Partial(EntryRejections),
}

/// What one fault does to a call.
enum Consequence {
    /// The call goes on after this time.
    Latency(Duration),
    /// The call ends, and no further fault is considered.
    Ending(Ending),
}

/// Decides for one entry after the other whether it is rejected.
#[derive(Debug)]
pub(crate) struct EntryRejections {
    probability: f64,
    chance: Rng,
}

impl EntryRejections {
    pub(super) fn rejects_next(&mut self) -> bool {
        is_hit(&mut self.chance, self.probability)
    }
}

impl FaultRegistry {
    pub(super) fn len(&self) -> usize {
        self.faults.len()
    }

    pub(super) fn push(&mut self, fault: Fault) -> FaultId {
        self.last_id += 1;
        let id = FaultId(self.last_id);
        let chance = Rng::with_seed(fault.seed);
        self.faults.push(ActiveFault { injected: InjectedFault { id, fault, matched: 0, struck: 0 }, chance });
        id
    }

    pub(super) fn clear(&mut self) {
        self.faults.clear();
    }

    /// Removes a fault. Returns false if no fault has that id.
    pub(super) fn remove(&mut self, id: FaultId) -> bool {
        let before = self.faults.len();
        self.faults.retain(|fault| fault.injected.id != id);
        self.faults.len() < before
    }

    pub(super) fn all(&self) -> Vec<InjectedFault> {
        self.faults.iter().map(|fault| fault.injected.clone()).collect()
    }

    /// Holds one fault after the other against the call, up to the first that ends it. Latencies before that add up.
    pub(super) fn judge(&mut self, call: Call<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        for fault in &mut self.faults {
            if !fault.strikes(call) {
                continue;
            }
            verdict.struck.push(fault.injected.id);
            match fault.consequence() {
                Consequence::Ending(ending) => {
                    verdict.ending = Some(ending);
                    break;
                }
                Consequence::Latency(latency) => verdict.latency += latency,
            }
        }
        verdict
    }
}

impl ActiveFault {
    fn strikes(&mut self, call: Call<'_>) -> bool {
        let InjectedFault { fault, matched, struck, .. } = &mut self.injected;
        let is_spent = fault.count.is_some_and(|count| *struck >= count);
        if is_spent || !matches(fault, call) {
            return false;
        }
        *matched += 1;
        if *matched <= fault.skip || !is_hit(&mut self.chance, fault.probability) {
            return false;
        }
        *struck += 1;
        true
    }

    /// Returns what it does to a call that it strikes.
    fn consequence(&mut self) -> Consequence {
        match &self.injected.fault.effect {
            Effect::LatencyMs(latency_ms) => Consequence::Latency(Duration::from_millis(*latency_ms)),
            Effect::Error(error) => Consequence::Ending(Ending::Error(error.clone())),
            Effect::Throttle => Consequence::Ending(Ending::Throttle),
            Effect::Reset(moment) => Consequence::Ending(Ending::Reset(*moment)),
            Effect::Kill(moment) => Consequence::Ending(Ending::Kill(*moment)),
            // Forked, so that how many entries there are changes nothing for the next call.
            Effect::Partial(probability) => {
                let rejections = EntryRejections { probability: *probability, chance: self.chance.fork() };
                Consequence::Ending(Ending::Partial(rejections))
            }
        }
    }
}

fn matches(fault: &Fault, call: Call<'_>) -> bool {
    fault.target == *call.target
        && (fault.operation == ANY_OPERATION || fault.operation == call.operation)
        && fault.from.as_deref().is_none_or(|from| call.caller == Some(from))
}

/// Draws in any case, so that the next draw does not depend on the probability. `f64()` is below 1: 1 always hits.
fn is_hit(chance: &mut Rng, probability: f64) -> bool {
    chance.f64() < probability
}

#[cfg(test)]
mod tests;
