//! Random faults: calls of functions that fail, hang, lose their answers or kill who makes them.

use std::ops::RangeInclusive;

use fastrand::Rng;
use paystream_local::{Effect, Fault, Target};

use crate::pick;

/// The functions, by their logical ids.
pub(crate) const FUNCTIONS: [&str; 4] = ["PaymentApi", "PaymentRelay", "OrderProjector", "OrderApi"];

/// How often an outage strikes: more often than all the callers try that make such a call at once.
const OUTAGE_STRIKES: RangeInclusive<u64> = 12..=48;

/// Which function makes which calls to what.
const CALLS: [(&str, Target, &[&str]); 6] = [
    ("PaymentApi", Target::DynamoDb, &["PutItem", "PutItem", "UpdateItem", "GetItem"]),
    ("PaymentApi", Target::Kinesis, &["PutRecord"]),
    ("PaymentRelay", Target::Kinesis, &["PutRecords"]),
    ("PaymentRelay", Target::DynamoDb, &["UpdateItem"]),
    ("OrderProjector", Target::DynamoDb, &["PutItem", "Query"]),
    ("OrderApi", Target::DynamoDb, &["PutItem", "Query"]),
];

/// Something that goes wrong at most three times, at a call that some function makes or, one time in five, at its
/// invocation.
pub fn random_fault(rng: &mut Rng) -> Fault {
    let fault = if rng.u8(..5) == 0 { of_an_invocation(rng) } else { of_a_call(rng) };
    let probability = pick(rng, &[0.5, 1.0]);
    fault.skip(rng.u64(..4)).count(rng.u64(1..=3)).probability(probability, rng.u64(..))
}

/// A call that fails more often than its caller tries, so that the caller has to say that it failed. The calls take turns:
/// a run with as many outages as there are calls has one of each.
pub(crate) fn outage(turn: u64, rng: &mut Rng) -> Fault {
    let calls = CALLS.into_iter().flat_map(|(from, target, operations)| {
        operations.iter().map(move |operation| (from, target.clone(), *operation))
    });
    let calls: Vec<_> = calls.collect();
    let turn = usize::try_from(turn % calls.len() as u64).unwrap_or_default();
    let (from, target, operation) = calls[turn].clone();
    let effects =
        [Effect::error("InternalServerError"), Effect::Throttle, Effect::reset_before(), Effect::reset_after()];
    Fault::new(target, pick(rng, &effects)).operation(operation).from(from).count(rng.u64(OUTAGE_STRIKES))
}

fn of_an_invocation(rng: &mut Rng) -> Fault {
    let effects = [
        Effect::reset_before(),
        Effect::reset_after(),
        Effect::kill_before(),
        Effect::kill_after(),
        Effect::Throttle,
        Effect::error("Runtime.Unknown"),
    ];
    Fault::new(Target::function(pick(rng, &FUNCTIONS)), pick(rng, &effects))
}

fn of_a_call(rng: &mut Rng) -> Fault {
    let (from, target, operations) = pick(rng, &CALLS);
    let operation = pick(rng, operations);
    // Above 400 ms, publishing on the way out of a request is given up.
    let latency_ms = pick(rng, &[3, 30, 30, 450]);
    let mut effects = vec![
        Effect::error("InternalServerError"),
        Effect::Throttle,
        Effect::LatencyMs(latency_ms),
        Effect::reset_before(),
        Effect::reset_after(),
        Effect::kill_before(),
        Effect::kill_after(),
    ];
    if operation == "PutRecords" {
        effects.push(Effect::Partial(0.5));
    }
    Fault::new(target, pick(rng, &effects)).operation(operation).from(from)
}
