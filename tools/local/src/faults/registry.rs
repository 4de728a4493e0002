//! Matching of faults to calls. All randomness comes from the faults' own seeds, so the same calls in the same order
//! are struck by the same faults.

use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use super::fault::{ANY_OPERATION, Effect, Fault, FaultTarget, Moment};
use crate::emulators::ErrorAnswer;

/// Id of an injected fault. The first of an environment is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FaultId(pub u64);

/// An injected fault and its counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InjectedFault {
    /// Id of the fault.
    pub id: FaultId,
    /// The fault.
    pub fault: Fault,
    /// Number of calls that matched, those it let pass included. A spent fault is not matched any more.
    pub matched: u64,
    /// Number of calls that the fault struck.
    pub struck: u64,
}

/// Injected faults, in the order of injection.
#[derive(Default)]
pub(super) struct FaultRegistry {
    faults: Vec<ActiveFault>,
    last_id: u64,
}

struct ActiveFault {
    injected: InjectedFault,
    chance: Rng,
}

/// A call before its execution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) target: &'a FaultTarget,
    pub(super) operation: &'a str,
    /// The calling function, if a function calls.
    pub(super) caller: Option<&'a str>,
}

/// Combined effect of the faults that strike a call.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Delay before anything else.
    pub(super) latency: Duration,
    /// Failure of the call; `None` executes it normally.
    pub(super) ending: Option<Ending>,
    /// The faults that struck, for the log.
    pub(super) struck: Vec<FaultId>,
}

/// Injected failure of a call.
#[derive(Debug)]
pub(crate) enum Ending {
    Error(ErrorAnswer),
    Throttle,
    Reset(Moment),
    Kill(Moment),
    Partial(EntryRejections),
    /// The call is executed, its entries in random order.
    Reorder(Rng),
}

/// Effect of one fault on a call.
enum Consequence {
    /// The call continues after this time.
    Latency(Duration),
    /// The call ends in this way after this time, and no further fault is evaluated.
    Ending(Ending, Duration),
}

/// Random rejections of the entries of one `PutRecords` call.
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

    /// Evaluates the faults in order, up to the first that fails the call. Latencies before it add up.
    pub(super) fn judge(&mut self, call: Call<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        for fault in &mut self.faults {
            if !fault.strikes(call) {
                continue;
            }
            verdict.struck.push(fault.injected.id);
            match fault.consequence() {
                Consequence::Ending(ending, latency) => {
                    verdict.latency += latency;
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

    /// Returns the effect on a call that the fault strikes.
    fn consequence(&mut self) -> Consequence {
        // Random numbers of a call are forked, so that the number of entries does not affect those of the next call.
        let ending = match &self.injected.fault.effect {
            Effect::LatencyMs(latency_ms) => return Consequence::Latency(Duration::from_millis(*latency_ms)),
            Effect::Reorder(held_ms_max) => {
                let held = Duration::from_millis(self.chance.u64(0..=*held_ms_max));
                return Consequence::Ending(Ending::Reorder(self.chance.fork()), held);
            }
            Effect::Error(error) => Ending::Error(error.clone()),
            Effect::Throttle => Ending::Throttle,
            Effect::Reset(moment) => Ending::Reset(*moment),
            Effect::Kill(moment) => Ending::Kill(*moment),
            Effect::Partial(probability) => {
                Ending::Partial(EntryRejections { probability: *probability, chance: self.chance.fork() })
            }
        };
        Consequence::Ending(ending, Duration::ZERO)
    }
}

fn matches(fault: &Fault, call: Call<'_>) -> bool {
    fault.target == *call.target
        && (fault.operation == ANY_OPERATION || fault.operation == call.operation)
        && fault.from.as_deref().is_none_or(|from| call.caller == Some(from))
}

/// Always draws a number, so that the next draw does not depend on the probability. `f64()` is below 1, so 1 always
/// hits.
fn is_hit(chance: &mut Rng, probability: f64) -> bool {
    chance.f64() < probability
}

#[cfg(test)]
mod tests;
