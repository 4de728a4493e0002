//! The example consumer that moves money: it moves the amounts that Payments states, to the cent, under faults.

#[allow(dead_code, reason = "the tests call the consumer and not the program")]
#[path = "../../examples/move_money.rs"]
mod move_money;

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use move_money::Ledger;
use payment_events::{PaymentEvent, TransitionAction};
use paystream_chaos::{Plan, act, random_fault};
use paystream_client::{Client, Target};
use paystream_local::HubKind;
use paystream_tests::Paystream;
use serde_json::Value;

const PAYMENTS: u64 = 30;
const FAULTS_MAX: usize = 4;
/// Maximum size of a batch that the consumer receives.
const BATCH_MAX: usize = 12;

fn ledger(since: &str) -> Ledger {
    Ledger { since: since.parse().unwrap(), progress: BTreeMap::new(), movements: Vec::new() }
}

fn receive(ledger: &mut Ledger, events: &[&PaymentEvent]) {
    for event in events {
        ledger.receive(event);
    }
}

/// Ids, actions and amounts of the movements, in their order.
fn movements(ledger: &Ledger) -> Vec<(&str, TransitionAction, i64)> {
    let movements = ledger.movements.iter();
    movements
        .map(|movement| (movement.event_id.as_str(), movement.transition.action, movement.transition.amount_minor))
        .collect()
}

/// Amounts captured and refunded for each payment, and the number of voids.
fn moved(ledger: &Ledger) -> BTreeMap<&str, (i64, i64, u32)> {
    let mut moved = BTreeMap::new();
    for (event_id, action, minor) in movements(ledger) {
        let (payment_id, _) = event_id.split_once(':').unwrap();
        let (captured, refunded, voids) = moved.entry(payment_id).or_default();
        match action {
            TransitionAction::Capture => *captured += minor,
            TransitionAction::Refund => *refunded += minor,
            TransitionAction::Void => *voids += 1,
            other => panic!("{other} moves no money"),
        }
    }
    moved
}

/// Delivers the events to a new consumer, at least once: the consumer crashes before it stores its ledger, or after that
/// and before the checkpoint. The ledger is read again after each crash.
fn consume(events: &[PaymentEvent], rng: &mut Rng) -> Ledger {
    let (mut stored, mut checkpoint) = (serde_json::to_vec(&ledger("1970-01-01T00:00:00Z")).unwrap(), 0);
    while checkpoint < events.len() {
        let end = events.len().min(checkpoint + rng.usize(1..=BATCH_MAX));
        let mut ledger: Ledger = serde_json::from_slice(&stored).unwrap();
        events[checkpoint..end].iter().for_each(|event| ledger.receive(event));
        let (is_stored, is_checkpointed) = (rng.u8(..3) > 0, rng.u8(..3) > 0);
        if is_stored {
            stored = serde_json::to_vec(&ledger).unwrap();
        }
        if is_stored && is_checkpointed {
            checkpoint = end;
        }
    }
    serde_json::from_slice(&stored).unwrap()
}

/// Pays, captures, voids and refunds at random under random faults, and returns the events of the raw stream.
async fn events_of_random_payments(paystream: &Paystream, rng: &mut Rng) -> Vec<PaymentEvent> {
    let client = Client::new(Target::local(paystream.environment().url()));
    for number in 0..PAYMENTS {
        for _ in 0..rng.usize(1..=FAULTS_MAX) {
            paystream.inject(random_fault(HubKind::Kinesis, rng));
        }
        let plan = Plan::new(format!("ord-{number}"), rng);
        act(&client, &plan, |_| {}).await.unwrap_or_else(|error| panic!("{error}"));
        paystream.heal();
    }
    let before = paystream.every_version_is_published_in_order().await;
    paystream.command(&["replay"]).await.text(0);
    let events = paystream.events_on_stream(before + 1).await;
    events.iter().map(|event| PaymentEvent::decode(event.to_string().as_bytes()).unwrap()).collect()
}

#[tokio::test]
async fn a_consumer_of_transitions_moves_the_amounts_of_payments_to_the_cent() {
    let paystream = Paystream::start_with_parameters(&[("PaymentLeaseMs", "200"), ("RelayWindowSeconds", "0")]).await;
    let mut rng = Rng::with_seed(31);
    let mut events = events_of_random_payments(&paystream, &mut rng).await;
    let seen: BTreeSet<_> =
        events.iter().map(|event| (event.event_type(), event.transition().unwrap().action.as_str())).collect();
    assert!(seen.contains(&("payment.captured.v1", "refund")), "a refund in part: {seen:?}");
    assert!(["capture", "void"].iter().all(|wanted| seen.iter().any(|(_, action)| action == wanted)), "{seen:?}");

    for delivery in ["in order", "reordered"] {
        if delivery == "reordered" {
            rng.shuffle(&mut events);
        }
        let ledger = consume(&events, &mut rng);
        let moved = moved(&ledger);
        for payment_id in paystream.payment_ids_as_read().await {
            let payment = paystream.get(&format!("/payments/{payment_id}")).await.expect(200);
            let (captured, refunded, voids) = moved.get(payment_id.as_str()).copied().unwrap_or_default();
            assert_eq!(captured, payment["captured_minor"], "captured, {delivery}: {payment}");
            assert_eq!(refunded, payment["refunded_minor"], "refunded, {delivery}: {payment}");
            assert_eq!(voids, u32::from(payment["status"] == "voided"), "voids, {delivery}: {payment}");
            assert_eq!(Value::from(ledger.progress[&payment_id.parse().unwrap()].version), payment["version"]);
        }
    }
}

/// The golden events of one payment: authorized, captured, refunded in part, refunded in full.
fn history() -> [PaymentEvent; 4] {
    [
        include_bytes!("../../crates/payment-events/golden/payment.authorized.v1.1.json").as_slice(),
        include_bytes!("../../crates/payment-events/golden/payment.captured.v1.1.json"),
        include_bytes!("../../crates/payment-events/golden/payment.captured.v1.1.refund.json"),
        include_bytes!("../../crates/payment-events/golden/payment.refunded.v1.1.json"),
    ]
    .map(|golden| PaymentEvent::decode(golden).unwrap())
}

const CAPTURE: (&str, TransitionAction, i64) = ("pay_01J9Z3NDEKTSV4RRFFQ69G5FAV:2", TransitionAction::Capture, 1299);
const REFUND: (&str, TransitionAction, i64) = ("pay_01J9Z3NDEKTSV4RRFFQ69G5FAV:3", TransitionAction::Refund, 300);
const REST: (&str, TransitionAction, i64) = ("pay_01J9Z3NDEKTSV4RRFFQ69G5FAV:4", TransitionAction::Refund, 999);

#[test]
fn events_beyond_a_gap_wait_until_it_is_filled() {
    let [authorized, captured, refunded, rest] = history();
    let mut ledger = ledger("1970-01-01T00:00:00Z");
    for event in [&authorized, &rest, &refunded, &rest] {
        ledger.receive(event);
        assert_eq!(movements(&ledger), []);
    }
    // An event from before transitions does not fill the gap: its amount is not known.
    ledger.receive(&PaymentEvent::new(captured.payment().clone(), None).unwrap());
    assert_eq!(movements(&ledger), []);
    ledger.receive(&captured);
    assert_eq!(movements(&ledger), [CAPTURE, REFUND, REST]);
}

#[test]
fn in_mid_history_a_consumer_moves_nothing_from_before_its_start() {
    let [authorized, captured, refunded, rest] = history();
    // The capture was moved by the predecessor, whose last event it was, or is delivered again.
    for events in [vec![&refunded, &rest], vec![&captured, &refunded, &rest], vec![&refunded, &captured, &rest]] {
        let mut ledger = ledger("2026-11-22T20:05:00Z");
        receive(&mut ledger, &events);
        assert_eq!(movements(&ledger), [REFUND, REST]);
    }
    // A payment that was made after the start has no earlier versions that somebody else could have moved.
    let mut ledger = ledger("2026-11-22T20:00:00Z");
    receive(&mut ledger, &[&refunded, &rest]);
    assert_eq!(movements(&ledger), []);
    receive(&mut ledger, &[&authorized, &captured]);
    assert_eq!(movements(&ledger), [CAPTURE, REFUND, REST]);
}

#[test]
fn events_beyond_a_gap_are_kept_up_to_a_bound() {
    let [authorized, captured, refunded, _] = history();
    let later = |version| {
        let payment = payment_events::PaymentInfo { version, ..refunded.payment().clone() };
        PaymentEvent::new(payment, None).unwrap().with_transition(refunded.transition().unwrap()).unwrap()
    };
    let mut ledger = ledger("1970-01-01T00:00:00Z");
    ledger.receive(&authorized);
    (3..1_000).rev().for_each(|version| ledger.receive(&later(version)));
    let parked: Vec<_> = ledger.progress[&authorized.payment().payment_id].parked.keys().copied().collect();
    assert_eq!(parked, (3..=130).collect::<Vec<_>>());
    ledger.receive(&captured);
    (3..1_000).for_each(|version| ledger.receive(&later(version)));
    assert_eq!(ledger.movements.len(), 998, "a replay delivers the others");
}
