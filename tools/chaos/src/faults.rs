//! Random faults: calls of functions that fail, hang, lose their responses or kill the caller.

use std::ops::RangeInclusive;

use fastrand::Rng;
use paystream_local::{Effect, Fault, FaultTarget};

use crate::pick;

/// Logical ids of the functions.
pub(crate) const FUNCTIONS: [&str; 4] = ["PaymentApi", "PaymentRelay", "OrderProjector", "OrderApi"];

/// Number of times that an outage strikes: more than the attempts of all concurrent callers of one operation.
const OUTAGE_STRIKES: RangeInclusive<u64> = 12..=48;

/// Calls of each function: caller, target and operations. A repeated operation is more likely.
const CALLS: [(&str, FaultTarget, &[&str]); 6] = [
    ("PaymentApi", FaultTarget::DynamoDb, &["PutItem", "PutItem", "UpdateItem", "GetItem"]),
    ("PaymentApi", FaultTarget::Kinesis, &["PutRecord"]),
    ("PaymentRelay", FaultTarget::Kinesis, &["PutRecords"]),
    ("PaymentRelay", FaultTarget::DynamoDb, &["UpdateItem"]),
    ("OrderProjector", FaultTarget::DynamoDb, &["PutItem", "Query"]),
    ("OrderApi", FaultTarget::DynamoDb, &["PutItem", "Query"]),
];

/// Generates a fault that strikes at most three times: in four of five cases at a call of a function, otherwise at an
/// invocation.
pub fn random_fault(rng: &mut Rng) -> Fault {
    let fault = if rng.u8(..5) == 0 { of_an_invocation(rng) } else { of_a_call(rng) };
    let probability = pick(rng, &[0.5, 1.0]);
    fault.skip(rng.u64(..4)).count(rng.u64(1..=3)).probability(probability, rng.u64(..))
}

/// Generates a fault that outlasts all attempts of the caller, so that the caller has to report the failure. `turn`
/// selects the call, so that consecutive outages cover every call.
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
    Fault::new(FaultTarget::function(pick(rng, &FUNCTIONS)), pick(rng, &effects))
}

fn of_a_call(rng: &mut Rng) -> Fault {
    let (from, target, operations) = pick(rng, &CALLS);
    let operation = pick(rng, operations);
    // 450 ms is above the 400 ms timeout of a direct publish.
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
    match operation {
        "PutRecord" => effects.push(Effect::Reorder(20)),
        "PutRecords" => effects.extend([Effect::Partial(0.5), Effect::Reorder(20)]),
        _ => {}
    }
    Fault::new(target, pick(rng, &effects)).operation(operation).from(from)
}
