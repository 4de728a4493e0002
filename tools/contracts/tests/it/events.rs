//! Event schemas, compared with the golden events and with the events that the crate decodes and encodes.

use payment_events::{PaymentEvent, PaymentStatus};
use paystream_contracts::EventSchemas;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::document;

fn golden(status: PaymentStatus) -> Value {
    document(&format!("crates/payment-events/golden/{}.json", PaymentEvent::type_of(status)))
}

fn with_transition(status: PaymentStatus) -> Value {
    document(&format!("crates/payment-events/golden/{}.1.json", PaymentEvent::type_of(status)))
}

#[test]
fn every_golden_event_matches_its_schema() {
    let schemas = EventSchemas::new();
    for status in PaymentStatus::ALL {
        assert_eq!(schemas.breaches(&golden(status)), Vec::<String>::new(), "{status}");
        assert_eq!(schemas.breaches(&with_transition(status)), Vec::<String>::new(), "{status}");
    }
    let refund = document("crates/payment-events/golden/payment.captured.v1.1.refund.json");
    assert_eq!(schemas.breaches(&refund), Vec::<String>::new());
}

#[test]
fn violations_of_an_event_schema_are_reported_with_their_place() {
    let schemas = EventSchemas::new();
    let cases = [
        ("/type", json!("payment.disputed.v1"), "/type"),
        ("/specversion", json!("0.3"), "/specversion"),
        ("/subject", json!("someone"), "/subject"),
        ("/time", json!("2026-13-22T20:00:00.123Z"), "/time"),
        ("/data/status", json!("voided"), "/data/status"),
        ("/data/amount/minor", json!(0), "/data/amount/minor"),
        ("/data/amount/currency", json!("EURO"), "/data/amount/currency"),
        ("/data/captured_minor", json!(0), "/data/captured_minor"),
        ("/data/version", json!("3"), "/data/version"),
        ("/data/transition", json!("capture"), "/data/transition"),
        ("/data/transition/action", json!("void"), "/data/transition/action"),
        ("/data/transition/amount_minor", json!(0), "/data/transition/amount_minor"),
    ];
    for (pointer, value, place) in cases {
        let mut event = with_transition(PaymentStatus::Captured);
        *event.pointer_mut(pointer).unwrap() = value;
        let breaches = schemas.breaches(&event);
        assert!(breaches.iter().any(|breach| breach.starts_with(&format!("{place}:"))), "{pointer}: {breaches:?}");
    }
    let mut declined = golden(PaymentStatus::Declined);
    declined["data"].as_object_mut().unwrap().remove("decline");
    assert_ne!(schemas.breaches(&declined), Vec::<String>::new(), "a decline must have its reason");
}

#[test]
fn unknown_fields_are_allowed() {
    let mut event = golden(PaymentStatus::Captured);
    event["data"]["loyalty_points"] = json!(7);
    event["newattribute"] = json!("x");
    assert_eq!(EventSchemas::new().breaches(&event), Vec::<String>::new());
}

/// Golden events with some of their values replaced.
fn altered() -> impl Strategy<Value = Value> {
    let places = prop::sample::select(vec![
        "/data/captured_minor",
        "/data/refunded_minor",
        "/data/version",
        "/data/amount/minor",
        "/data/created_at",
        "/data/updated_at",
        "/data/order_id",
        "/data/transition/amount_minor",
        "/traceparent",
    ]);
    let values = prop_oneof![
        (-2..2000_i64).prop_map(Value::from),
        "[A-Za-z0-9_-]{0,70}".prop_map(Value::from),
        "20[0-9]{2}-0[1-9]-[0-2][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|\\+02:00)"
            .prop_map(Value::from),
    ];
    let status = prop::sample::select(PaymentStatus::ALL.to_vec());
    (status, prop::collection::vec((places, values), 0..3)).prop_map(|(status, changes)| {
        let mut event = with_transition(status);
        for (place, value) in changes {
            match event.pointer_mut(place) {
                Some(found) => *found = value,
                None => event["traceparent"] = value,
            }
        }
        event
    })
}

#[test]
fn encoded_events_match_their_schema() {
    let schemas = EventSchemas::new();
    let result = TestRunner::default().run(&altered(), |event| {
        if let Ok(event) = PaymentEvent::decode(event.to_string().as_bytes()) {
            let written: Value = serde_json::from_slice(&event.encode()).unwrap();
            prop_assert_eq!(schemas.breaches(&written), Vec::<String>::new());
        }
        Ok(())
    });
    result.unwrap();
}
