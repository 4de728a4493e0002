//! Tests of the contract: golden events, tolerated differences and refused events.
#![allow(missing_docs, clippy::unwrap_used)]

mod any_input;

use payment_events::{
    Decline, DecodeError, InvalidPaymentInfo, Money, OrderId, PaymentEvent, PaymentId, PaymentInfo, PaymentStatus,
    Transition, TransitionAction,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const GOLDEN: [(PaymentStatus, &str); 5] = [
    (PaymentStatus::Authorized, include_str!("../../golden/payment.authorized.v1.json")),
    (PaymentStatus::Captured, include_str!("../../golden/payment.captured.v1.json")),
    (PaymentStatus::Refunded, include_str!("../../golden/payment.refunded.v1.json")),
    (PaymentStatus::Voided, include_str!("../../golden/payment.voided.v1.json")),
    (PaymentStatus::Declined, include_str!("../../golden/payment.declined.v1.json")),
];

/// The golden events with a transition.
const GOLDEN_TRANSITIONS: [(TransitionAction, i64, &str); 6] = [
    (TransitionAction::Authorize, 1299, include_str!("../../golden/payment.authorized.v1.1.json")),
    (TransitionAction::Decline, 1299, include_str!("../../golden/payment.declined.v1.1.json")),
    (TransitionAction::Capture, 1299, include_str!("../../golden/payment.captured.v1.1.json")),
    (TransitionAction::Void, 1299, include_str!("../../golden/payment.voided.v1.1.json")),
    (TransitionAction::Refund, 300, include_str!("../../golden/payment.captured.v1.1.refund.json")),
    (TransitionAction::Refund, 999, include_str!("../../golden/payment.refunded.v1.1.json")),
];

fn captured() -> Value {
    serde_json::from_str(include_str!("../../golden/payment.captured.v1.json")).unwrap()
}

fn decode(event: &Value) -> Result<PaymentEvent, DecodeError> {
    PaymentEvent::decode(event.to_string().as_bytes())
}

/// The captured golden event with the value at `pointer` replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut event = captured();
    *event.pointer_mut(pointer).unwrap() = value;
    event
}

fn bad_field(event: &Value) -> String {
    match decode(event) {
        Err(DecodeError::BadValue { field, .. }) => field,
        other => panic!("expected a bad value, got {other:?}"),
    }
}

#[test]
fn every_status_has_a_golden_event_that_round_trips() {
    assert_eq!(GOLDEN.map(|(status, _)| status), PaymentStatus::ALL);
    for (status, golden) in GOLDEN {
        let event = PaymentEvent::decode(golden.as_bytes()).unwrap();
        assert_eq!(event.payment().status, status);
        let written: Value = serde_json::from_slice(&event.encode()).unwrap();
        assert_eq!(written, serde_json::from_str::<Value>(golden).unwrap(), "{status}");
    }
}

#[test]
fn every_transition_has_a_golden_event_that_round_trips() {
    for (action, amount_minor, golden) in GOLDEN_TRANSITIONS {
        let event = PaymentEvent::decode(golden.as_bytes()).unwrap();
        assert_eq!(event.transition(), Some(Transition { action, amount_minor }));
        let written: Value = serde_json::from_slice(&event.encode()).unwrap();
        assert_eq!(written, serde_json::from_str::<Value>(golden).unwrap(), "{action}");
    }
    let shown = GOLDEN_TRANSITIONS.map(|(action, ..)| action);
    assert!(TransitionAction::ALL.iter().all(|action| shown.contains(action)));
}

#[test]
fn an_unknown_or_unreadable_transition_is_dropped_and_the_payment_kept() {
    let transition = |action: &str, minor: Value| json!({"action": action, "amount_minor": minor});
    let cases = [
        transition("chargeback", json!(300)),
        transition("refund", json!("300")),
        transition("refund", json!(3.5)),
        transition("refund", json!(0)),
        transition("refund", json!(301)),
        transition("capture", json!(1299)),
        transition("authorize", json!(1299)),
        json!({"action": "refund"}),
        json!("refund"),
        Value::Null,
    ];
    for case in cases {
        let mut event = captured();
        event["data"]["transition"] = case.clone();
        assert_eq!(decode(&event), decode(&captured()), "{case}");
    }
    let mut event = captured();
    event["data"]["transition"] = json!({"action": "refund", "amount_minor": 300, "reason": "a field of later"});
    assert_eq!(decode(&event).unwrap().transition().map(|transition| transition.amount_minor), Some(300));
}

#[test]
fn a_transition_that_cannot_have_made_the_payment_is_refused() {
    for (_, _, golden) in GOLDEN_TRANSITIONS {
        let event = PaymentEvent::decode(golden.as_bytes()).unwrap();
        let made = event.transition().unwrap();
        for action in TransitionAction::ALL {
            for amount_minor in [0, 1, 299, 300, 301, 999, 1299, 1300] {
                let transition = Transition { action, amount_minor };
                let payment = event.payment();
                // A refund before this one may have been of any amount.
                let is_possible = match action {
                    TransitionAction::Refund => {
                        made.action == action && (1..=payment.refunded_minor).contains(&amount_minor)
                    }
                    _ => transition == made,
                };
                let with = event.clone().with_transition(transition);
                let expected = if is_possible {
                    Ok(Some(transition))
                } else {
                    Err(InvalidPaymentInfo::Transition(payment.status))
                };
                assert_eq!(with.map(|event| event.transition()), expected, "{transition:?} of {golden}");
            }
        }
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let mut event = captured();
    event["newattribute"] = json!("x");
    event["data"]["loyalty_points"] = json!(7);
    event["data"]["amount"]["exponent"] = json!(2);
    assert_eq!(decode(&event), decode(&captured()));
}

#[test]
fn unknown_event_types_are_reported() {
    for unknown in
        ["payment.disputed.v1", "refund.created.v1", "payment.captured", "payment.captured.final", "", "payment."]
    {
        let event = with("/type", json!(unknown));
        assert_eq!(decode(&event), Err(DecodeError::UnknownType(unknown.to_owned())));
    }
}

#[test]
fn an_unknown_event_type_is_reported_whatever_its_data() {
    let mut event = with("/type", json!("payment.disputed.v1"));
    event["data"] = json!([1, 2]);
    assert_eq!(decode(&event), Err(DecodeError::UnknownType("payment.disputed.v1".to_owned())));
    event.as_object_mut().unwrap().remove("data");
    assert_eq!(decode(&event), Err(DecodeError::UnknownType("payment.disputed.v1".to_owned())));
}

#[test]
fn other_major_versions_are_reported() {
    for other in ["payment.captured.v2", "payment.captured.v0", "payment.voided.v17"] {
        let event = with("/type", json!(other));
        assert_eq!(decode(&event), Err(DecodeError::UnsupportedVersion(other.to_owned())));
    }
    assert_eq!(decode(&with("/specversion", json!("2.0"))), Err(DecodeError::SpecVersion("2.0".to_owned())));
}

#[test]
fn bad_values_are_reported_by_json_pointer() {
    let cases = [
        ("/data/payment_id", json!("01J")),
        ("/data/order_id", json!("a b")),
        ("/data/amount/minor", json!(12.5)),
        ("/data/amount/minor", json!("1299")),
        ("/data/amount/currency", json!("XYZ")),
        ("/data/captured_minor", Value::Null),
        ("/data/version", json!(-1)),
        ("/data/updated_at", json!("yesterday")),
        ("/data/status", json!("lost")),
    ];
    for (pointer, value) in cases {
        assert_eq!(bad_field(&with(pointer, value)), pointer);
    }
    assert_eq!(bad_field(&with("/data/amount", json!({"minor": 0, "currency": "EUR"}))), "/data/amount");
}

#[test]
fn contradicting_fields_are_refused() {
    let cases = [
        ("/data/status", json!("voided"), "/data/status"),
        ("/id", json!("pay_01J9Z3NDEKTSV4RRFFQ69G5FAV:4"), "/id"),
        ("/data/captured_minor", json!(1300), "/data"),
        ("/data/captured_minor", json!(0), "/data"),
        ("/data/refunded_minor", json!(1299), "/data"),
        ("/data/refunded_minor", json!(-1), "/data"),
        ("/data/version", json!(0), "/data"),
        ("/data/created_at", json!("2027-01-01T00:00:00Z"), "/data"),
    ];
    for (pointer, value, field) in cases {
        assert_eq!(bad_field(&with(pointer, value)), field, "{pointer}");
    }
    let mut declined = captured();
    declined["data"]["decline"] = json!({"code": "x", "message": "y"});
    assert_eq!(bad_field(&declined), "/data");
}

#[test]
fn missing_fields_are_named_in_the_error() {
    let mut event = captured();
    event["data"].as_object_mut().unwrap().remove("order_id");
    assert!(decode(&event).unwrap_err().to_string().contains("order_id"));
    event.as_object_mut().unwrap().remove("data");
    assert_eq!(bad_field(&event), "/data");
}

#[test]
fn data_that_is_not_a_cloudevents_object_is_refused() {
    for data in [&b""[..], b"{", b"[]", b"null", b"{}", b"\xff\xfe", b"\xf3\x89\x9a\xc2"] {
        assert!(matches!(PaymentEvent::decode(data), Err(DecodeError::NotAnEvent(_))), "{data:?}");
    }
}

#[test]
fn an_unreadable_trace_is_dropped_and_the_payment_kept() {
    let event = decode(&with("/traceparent", json!("garbage"))).unwrap();
    assert_eq!(event.trace_parent(), None);
    assert_eq!(event.payment(), decode(&captured()).unwrap().payment());
}

fn any_payment() -> impl Strategy<Value = PaymentInfo> {
    let parts = (
        1..=i64::MAX,
        0.0..=1.0f64,
        0.0..1.0f64,
        1..=PaymentInfo::VERSION_MAX,
        0..4_000_000_000_000i64,
        0..1_000_000i64,
    );
    (prop::sample::select(PaymentStatus::ALL.to_vec()), parts).prop_map(
        |(status, (minor, captured_share, refunded_share, version, created_ms, later_ms))| {
            // The rounding does not matter, as long as the bounds hold.
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
            let share = |of: i64, share: f64| ((of as f64 * share) as i64).clamp(0, of);
            let captured = match status {
                PaymentStatus::Captured | PaymentStatus::Refunded => share(minor, captured_share).max(1),
                _ => 0,
            };
            let refunded = match status {
                PaymentStatus::Captured => share(captured, refunded_share).min(captured - 1),
                PaymentStatus::Refunded => captured,
                _ => 0,
            };
            let declined = status == PaymentStatus::Declined;
            PaymentInfo {
                payment_id: "pay_1".parse().unwrap(),
                order_id: "ord-1".parse().unwrap(),
                status,
                amount: payment_events::Money::new(minor, "JPY".parse().unwrap()).unwrap(),
                captured_minor: captured,
                refunded_minor: refunded,
                decline: declined.then(|| Decline { code: "do_not_honor".into(), message: "No.".into() }),
                version,
                created_at: payment_events::Timestamp::from_unix_ms(created_ms).unwrap(),
                updated_at: payment_events::Timestamp::from_unix_ms(created_ms + later_ms).unwrap(),
            }
        },
    )
}

proptest! {
    #[test]
    fn every_event_round_trips(payment in any_payment()) {
        let event = PaymentEvent::new(payment, None).unwrap();
        prop_assert_eq!(PaymentEvent::decode(&event.encode()), Ok(event));
    }

    #[test]
    fn random_bytes_are_refused_without_a_panic(data in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(PaymentEvent::decode(&data).is_err());
    }
}

#[test]
fn the_longest_event_that_is_made_is_within_its_bounds() {
    let text = |length: usize| "\u{10ffff}".repeat(length);
    let payment = PaymentInfo {
        payment_id: format!("{}{}", PaymentId::PREFIX, "Z".repeat(PaymentId::SUFFIX_LENGTH_MAX)).parse().unwrap(),
        order_id: "o".repeat(OrderId::LENGTH_MAX).parse().unwrap(),
        status: PaymentStatus::Declined,
        amount: Money::new(i64::MAX, "EUR".parse().unwrap()).unwrap(),
        captured_minor: 0,
        refunded_minor: 0,
        decline: Some(Decline { code: text(1_000_000), message: text(1_000_000) }),
        version: PaymentInfo::VERSION_MAX,
        created_at: "1970-01-01T00:00:00Z".parse().unwrap(),
        updated_at: "9999-12-31T23:59:59.999Z".parse().unwrap(),
    };
    let event = PaymentEvent::new(payment.clone(), None).unwrap();
    let decline = event.payment().decline.as_ref().unwrap();
    assert_eq!(decline.code, text(Decline::CODE_LENGTH_MAX));
    assert_eq!(decline.message, text(Decline::MESSAGE_LENGTH_MAX));
    assert_eq!(PaymentEvent::decode(&event.encode()).as_ref(), Ok(&event), "a cut text is within its maximum");

    let beyond = PaymentInfo { version: PaymentInfo::VERSION_MAX + 1, ..payment };
    assert_eq!(PaymentEvent::new(beyond, None), Err(InvalidPaymentInfo::Version));
}

#[test]
fn a_decline_from_before_it_had_bounds_is_read_up_to_the_size_of_an_item() {
    let declined = |message_bytes: usize| {
        let mut event: Value = serde_json::from_str(GOLDEN[4].1).unwrap();
        event["data"]["decline"] = json!({"code": "", "message": "x".repeat(message_bytes)});
        event
    };
    let event = decode(&declined(Decline::READ_BYTES_MAX)).unwrap();
    assert_eq!(event.payment().decline.as_ref().unwrap().message.len(), Decline::READ_BYTES_MAX);
    assert_eq!(bad_field(&declined(Decline::READ_BYTES_MAX + 1)), "/data/decline");
}
