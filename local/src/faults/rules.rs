//! Which faults happen to a call. Everything left to chance comes from the faults' own seeds, so that the same calls in the
//! same order meet the same faults.

use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use super::fault::{ANY_OPERATION, Effect, ErrorAnswer, Fault, Moment, Target};

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
pub(super) struct Rules {
    rules: Vec<Rule>,
    last_id: u64,
}

struct Rule {
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
    Partial(Refusals),
}

/// Says of one entry after the other whether it is refused.
#[derive(Debug)]
pub(crate) struct Refusals {
    probability: f64,
    chance: Rng,
}

impl Refusals {
    pub(super) fn next_is_refused(&mut self) -> bool {
        is_hit(&mut self.chance, self.probability)
    }
}

impl Rules {
    pub(super) fn len(&self) -> usize {
        self.rules.len()
    }

    pub(super) fn push(&mut self, fault: Fault) -> FaultId {
        self.last_id += 1;
        let id = FaultId(self.last_id);
        let chance = Rng::with_seed(fault.seed);
        self.rules.push(Rule { injected: InjectedFault { id, fault, matched: 0, struck: 0 }, chance });
        id
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Whether there was one of that name.
    pub(super) fn remove(&mut self, id: FaultId) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.injected.id != id);
        self.rules.len() < before
    }

    pub(super) fn all(&self) -> Vec<InjectedFault> {
        self.rules.iter().map(|rule| rule.injected.clone()).collect()
    }

    /// Holds one fault after the other against the call, up to the first that ends it. Latencies before that add up.
    pub(super) fn judge(&mut self, call: Call<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        for rule in &mut self.rules {
            if !rule.strikes(call) {
                continue;
            }
            verdict.struck.push(rule.injected.id);
            match rule.ending() {
                Ok(ending) => {
                    verdict.ending = Some(ending);
                    break;
                }
                Err(latency) => verdict.latency += latency,
            }
        }
        verdict
    }
}

impl Rule {
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

    /// How it ends a call that it strikes, or by how much it delays it.
    fn ending(&mut self) -> Result<Ending, Duration> {
        match &self.injected.fault.effect {
            Effect::LatencyMs(latency_ms) => Err(Duration::from_millis(*latency_ms)),
            Effect::Error(error) => Ok(Ending::Error(error.clone())),
            Effect::Throttle => Ok(Ending::Throttle),
            Effect::Reset(moment) => Ok(Ending::Reset(*moment)),
            Effect::Kill(moment) => Ok(Ending::Kill(*moment)),
            // Forked, so that how many entries there are changes nothing for the next call.
            Effect::Partial(probability) => {
                Ok(Ending::Partial(Refusals { probability: *probability, chance: self.chance.fork() }))
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
mod tests {
    use super::*;

    const PUT: Call<'_> = Call { target: &Target::DynamoDb, operation: "PutItem", caller: Some("PaymentApi") };

    fn throttle() -> Fault {
        Fault::new(Target::DynamoDb, Effect::Throttle)
    }

    fn rules(faults: impl IntoIterator<Item = Fault>) -> Rules {
        let mut rules = Rules::default();
        faults.into_iter().for_each(|fault| _ = rules.push(fault));
        rules
    }

    /// Which of so many calls are ended.
    fn ended(rules: &mut Rules, calls: usize) -> Vec<usize> {
        (0..calls).filter(|_| rules.judge(PUT).ending.is_some()).collect()
    }

    #[test]
    fn a_fault_happens_to_calls_of_its_target_operation_and_caller() {
        for (fault, is_hit) in [
            (throttle(), true),
            (throttle().operation("PutItem").from("PaymentApi"), true),
            (throttle().operation("GetItem"), false),
            (throttle().from("OrderApi"), false),
            (Fault::new(Target::Kinesis, Effect::Throttle), false),
            (Fault::new(Target::function("PaymentApi"), Effect::Throttle), false),
        ] {
            let mut rules = rules([fault.clone()]);
            assert_eq!(rules.judge(PUT).ending.is_some(), is_hit, "{fault:?}");
            assert_eq!(rules.all()[0].matched, u64::from(is_hit));
        }
    }

    #[test]
    fn calls_are_skipped_first_and_then_it_happens_so_often_and_never_again() {
        let mut rules = rules([throttle().skip(2).count(3)]);
        assert_eq!(ended(&mut rules, 10), [2, 3, 4]);
        let fault = &rules.all()[0];
        assert_eq!((fault.matched, fault.struck), (5, 3), "a spent fault is held against no call");
    }

    #[test]
    fn the_same_seed_strikes_the_same_calls_and_another_seed_others() {
        let of_seed = |seed| ended(&mut rules([throttle().probability(0.3, seed)]), 1000);
        assert_eq!(of_seed(1), of_seed(1));
        assert_ne!(of_seed(1), of_seed(2));
        assert!((250..350).contains(&of_seed(1).len()), "{} of 1000", of_seed(1).len());
        assert_eq!(ended(&mut rules([throttle().probability(1.0, 1)]), 100).len(), 100);
    }

    #[test]
    fn skipped_calls_take_nothing_from_chance() {
        let plain = ended(&mut rules([throttle().probability(0.5, 9)]), 50);
        let skipping = ended(&mut rules([throttle().probability(0.5, 9).skip(7)]), 57);
        assert_eq!(skipping, plain.iter().map(|place| place + 7).collect::<Vec<_>>());
    }

    #[test]
    fn latencies_add_up_until_the_first_fault_that_ends_the_call_and_later_ones_keep_their_count() {
        let latency = |latency_ms| Fault::new(Target::DynamoDb, Effect::LatencyMs(latency_ms));
        let reset = Fault::new(Target::DynamoDb, Effect::reset_before()).count(1);
        let mut rules = rules([latency(20), latency(3), throttle().count(1), latency(500), reset]);
        let first = rules.judge(PUT);
        assert!(matches!(first.ending, Some(Ending::Throttle)));
        assert_eq!((first.latency, first.struck), (Duration::from_millis(23), [1, 2, 3].map(FaultId).to_vec()));
        assert_eq!(rules.all()[4].matched, 0);
        let second = rules.judge(PUT);
        assert!(matches!(second.ending, Some(Ending::Reset(Moment::Before))));
        assert_eq!(second.latency, Duration::from_millis(523));
        let third = rules.judge(PUT);
        assert!(third.ending.is_none());
    }

    #[test]
    fn how_many_entries_a_call_has_changes_nothing_for_the_next() {
        let partial = Fault::new(Target::DynamoDb, Effect::Partial(0.5)).seed(5);
        let second_call = |entries_of_the_first| {
            let mut rules = rules([partial.clone()]);
            let [first, second] = [(); 2].map(|()| rules.judge(PUT).ending);
            let (Some(Ending::Partial(mut first)), Some(Ending::Partial(mut second))) = (first, second) else {
                panic!("both are refused in part");
            };
            for _ in 0..entries_of_the_first {
                first.next_is_refused();
            }
            (0..20).map(|_| second.next_is_refused()).collect::<Vec<_>>()
        };
        assert_eq!(second_call(1), second_call(500));
    }
}
