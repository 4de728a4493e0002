//! Random faults: calls of functions that fail, hang, lose their responses or kill the caller.

use std::ops::RangeInclusive;

use fastrand::Rng;
use paystream_hubs::relay_of;
use paystream_local::{Effect, Fault, FaultTarget, HubKind};

use crate::pick;

/// Logical ids of the functions of a stack over a hub.
pub(crate) fn functions(hub: HubKind) -> [&'static str; 4] {
    ["PaymentApi", relay_of(hub), "OrderProjector", "OrderApi"]
}

/// Number of times that an outage strikes: more than the attempts of all concurrent callers of one operation.
const OUTAGE_STRIKES: RangeInclusive<u64> = 12..=48;

/// Calls of a function: caller, target and operations. A repeated operation is more likely.
type Calls = (&'static str, FaultTarget, &'static [&'static str]);

const CALLS_OF_PAYMENT_API: Calls =
    ("PaymentApi", FaultTarget::DynamoDb, &["PutItem", "PutItem", "UpdateItem", "GetItem"]);
const CALLS_OF_ORDERS: [Calls; 2] = [
    ("OrderProjector", FaultTarget::DynamoDb, &["PutItem", "Query"]),
    ("OrderApi", FaultTarget::DynamoDb, &["PutItem", "Query"]),
];

/// Calls that publish, in any publish mode.
fn publishing_calls(hub: HubKind) -> &'static [Calls] {
    match hub {
        HubKind::Kinesis => &[
            ("PaymentApi", FaultTarget::Kinesis, &["PutRecord"]),
            ("PaymentRelay", FaultTarget::Kinesis, &["PutRecords"]),
            ("PaymentRelay", FaultTarget::DynamoDb, &["UpdateItem"]),
        ],
        HubKind::Kafka => &[("PaymentRelayKafka", FaultTarget::Kafka, &["Produce", "Produce", "Metadata", "Connect"])],
        HubKind::RabbitMq => &[("PaymentRelayRabbitMq", FaultTarget::RabbitMq, &["Publish", "Publish", "Connect"])],
    }
}

fn calls(hub: HubKind) -> Vec<Calls> {
    [&[CALLS_OF_PAYMENT_API][..], publishing_calls(hub), &CALLS_OF_ORDERS].concat()
}

/// True for a message broker, whose protocol has no errors that a proxy could return.
fn is_broker(target: &FaultTarget) -> bool {
    matches!(target, FaultTarget::Kafka | FaultTarget::RabbitMq)
}

/// Generates a fault of a stack over a hub. It strikes at most three times: in four of five cases at a call of a
/// function, otherwise at an invocation.
pub fn random_fault(hub: HubKind, rng: &mut Rng) -> Fault {
    let fault = if rng.u8(..5) == 0 { of_an_invocation(hub, rng) } else { of_a_call(hub, rng) };
    let probability = pick(rng, &[0.5, 1.0]);
    fault.skip(rng.u64(..4)).count(rng.u64(1..=3)).probability(probability, rng.u64(..))
}

/// Generates a fault that outlasts all attempts of the caller, so that the caller has to report the failure. `turn`
/// selects the call, so that consecutive outages cover every call.
pub(crate) fn outage(hub: HubKind, turn: u64, rng: &mut Rng) -> Fault {
    let calls = calls(hub).into_iter().flat_map(|(from, target, operations)| {
        operations.iter().map(move |operation| (from, target.clone(), *operation))
    });
    let calls: Vec<_> = calls.collect();
    let turn = usize::try_from(turn % calls.len() as u64).unwrap_or_default();
    let (from, target, operation) = calls[turn].clone();
    let mut effects = vec![Effect::reset_before(), Effect::reset_after()];
    if !is_broker(&target) {
        effects.extend([Effect::error("InternalServerError"), Effect::Throttle]);
    }
    Fault::new(target, pick(rng, &effects)).operation(operation).from(from).count(rng.u64(OUTAGE_STRIKES))
}

fn of_an_invocation(hub: HubKind, rng: &mut Rng) -> Fault {
    let effects = [
        Effect::reset_before(),
        Effect::reset_after(),
        Effect::kill_before(),
        Effect::kill_after(),
        Effect::Throttle,
        Effect::error("Runtime.Unknown"),
    ];
    Fault::new(FaultTarget::function(pick(rng, &functions(hub))), pick(rng, &effects))
}

fn of_a_call(hub: HubKind, rng: &mut Rng) -> Fault {
    let (from, target, operations) = pick(rng, &calls(hub));
    let operation = pick(rng, operations);
    // 450 ms is above the 400 ms timeout of a direct publish.
    let latency_ms = pick(rng, &[3, 30, 30, 450]);
    let mut effects = vec![
        Effect::LatencyMs(latency_ms),
        Effect::reset_before(),
        Effect::reset_after(),
        Effect::kill_before(),
        Effect::kill_after(),
    ];
    if !is_broker(&target) {
        effects.extend([Effect::error("InternalServerError"), Effect::Throttle]);
    }
    match operation {
        "PutRecord" => effects.push(Effect::Reorder(20)),
        "PutRecords" => effects.extend([Effect::Partial(0.5), Effect::Reorder(20)]),
        _ => {}
    }
    Fault::new(target, pick(rng, &effects)).operation(operation).from(from)
}
