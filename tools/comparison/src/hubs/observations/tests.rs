//! Deliveries are counted from the events of each hub, as Lambda sends them.

use std::time::Duration;

use data_encoding::BASE64;
use serde_json::json;

use super::*;

const HUBS: [&str; 3] = ["kinesis", "kafka", "rabbitmq"];
const PAYMENT: &str = "pay_01J9Z3NDEKTSV4RRFFQ69G5FAV";

/// Data of the event of a version, in base64.
fn data(version: u64) -> String {
    let golden = include_str!("../../../../../crates/payment-events/golden/payment.authorized.v1.json");
    let mut event: Value = serde_json::from_str(golden).unwrap();
    event["id"] = json!(format!("{PAYMENT}:{version}"));
    event["data"]["version"] = json!(version);
    BASE64.encode(event.to_string().as_bytes())
}

/// Event of a hub with these versions, at offsets or sequence numbers from 100.
fn event(hub: &str, versions: &[u64]) -> Value {
    let numbered = versions.iter().map(|version| data(*version)).zip(100..);
    match hub {
        "kinesis" => {
            let record = |(data, number): (String, i64)| {
                let kinesis = json!({"partitionKey": "ord-1", "sequenceNumber": number.to_string(), "data": data});
                json!({"kinesis": kinesis, "eventSource": "aws:kinesis", "eventID": format!("shard:{number}")})
            };
            json!({"Records": numbered.map(record).collect::<Vec<_>>()})
        }
        "kafka" => {
            let record = |(data, offset)| json!({"topic": "t", "partition": 0, "offset": offset, "value": data});
            json!({"eventSource": "aws:kafka", "records": {"t-0": numbered.map(record).collect::<Vec<_>>()}})
        }
        _ => {
            let message = |(data, _)| json!({"basicProperties": {}, "redelivered": false, "data": data});
            let messages: Vec<_> = numbered.map(message).collect();
            json!({"eventSource": "aws:rmq", "rmqMessagesByQueue": {"q::/": messages}})
        }
    }
}

/// An invocation that took from `at_ms` to 5 ms later.
fn invocation(function: &str, at_ms: u64, event: &Value, response: Option<Value>) -> Invocation {
    let started = UNIX_EPOCH + Duration::from_millis(at_ms);
    Invocation {
        function: function.to_owned(),
        event: event.to_string().into(),
        started,
        ended: started + Duration::from_millis(5),
        response: response.map(|response| response.to_string().into()),
    }
}

fn handled() -> Value {
    json!({"batchItemFailures": []})
}

/// Counts deliveries of one payment: versions and response of each invocation, in turn.
fn counted(hub: &str, invocations: &[(&[u64], Option<Value>)]) -> Deliveries {
    let observations = Observations::default();
    for (number, (versions, response)) in (0..).zip(invocations) {
        observations.add(&invocation(CONSUMER, 10 * number, &event(hub, versions), response.clone()));
    }
    observations.deliveries(&[PAYMENT.parse().unwrap()].into())
}

#[test]
fn each_delivery_counts_and_one_that_came_before_is_repeated() {
    for hub in HUBS {
        let deliveries = counted(hub, &[(&[1, 2], None), (&[1, 2], Some(handled())), (&[2, 3], Some(handled()))]);
        assert_eq!(deliveries, Deliveries { events: 6, repeated: 3, out_of_order: 0, overtaken: 0 }, "{hub}");
    }
}

#[test]
fn a_version_after_a_later_one_is_out_of_order_or_was_overtaken_while_it_came_again() {
    for hub in HUBS {
        let late = |invocations: &[_]| {
            let deliveries = counted(hub, invocations);
            (deliveries.out_of_order, deliveries.overtaken)
        };
        assert_eq!(late(&[(&[1, 3], Some(handled())), (&[2], Some(handled()))]), (1, 0), "{hub}");
        assert_eq!(late(&[(&[2, 1], Some(handled()))]), (1, 0), "{hub}");
        assert_eq!(late(&[(&[1], None), (&[2], Some(handled())), (&[1], Some(handled()))]), (0, 1), "{hub}");
        // A repetition of a version that was handled in order changes nothing.
        assert_eq!(late(&[(&[1, 2], Some(handled())), (&[1], Some(handled()))]), (0, 0), "{hub}");
        assert_eq!(late(&[(&[1], None), (&[1], Some(handled())), (&[2], Some(handled()))]), (0, 0), "{hub}");
    }
}

#[test]
fn records_from_a_reported_one_on_are_not_handled() {
    let responses = [
        ("kinesis", json!({"batchItemFailures": [{"itemIdentifier": "101"}]})),
        ("kafka", json!({"batchItemFailures": [{"itemIdentifier": {"partition": "t-0", "offset": 101}}]})),
    ];
    for (hub, response) in responses {
        let deliveries =
            counted(hub, &[(&[1, 2, 3], Some(response)), (&[3], Some(handled())), (&[2], Some(handled()))]);
        assert_eq!(deliveries, Deliveries { events: 5, repeated: 2, out_of_order: 0, overtaken: 1 }, "{hub}");
    }
}

#[test]
fn a_version_is_handled_by_an_invocation_that_succeeded_and_did_not_report_it() {
    let observations = Observations::default();
    let reported = json!({"batchItemFailures": [{"itemIdentifier": "102"}]});
    observations.add(&invocation(CONSUMER, 0, &event("kinesis", &[1, 2, 3]), Some(reported)));
    observations.add(&invocation(CONSUMER, 10, &event("kinesis", &[3, 4]), None));
    let payment: PaymentId = PAYMENT.parse().unwrap();
    assert_eq!(observations.handled(), [(payment.clone(), 1), (payment, 2)].into());
}

#[test]
fn other_payments_and_functions_are_not_counted() {
    let observations = Observations::default();
    observations.add(&invocation(CONSUMER, 0, &event("kafka", &[1]), Some(handled())));
    observations.add(&invocation("OrderApi", 0, &event("kafka", &[1]), Some(handled())));
    assert_eq!(observations.deliveries(&["pay_other".parse().unwrap()].into()), Deliveries::default());
    assert_eq!(observations.deliveries(&[PAYMENT.parse().unwrap()].into()).events, 1);
}

#[test]
fn a_version_is_published_at_the_end_of_the_first_invocation_of_a_relay_that_did_not_report_it() {
    let images = |versions: &[u64]| {
        let record = |version: &u64| {
            let image = json!({"payment_id": {"S": PAYMENT}, "version": {"N": version.to_string()}});
            json!({"eventName": "MODIFY", "dynamodb": {"SequenceNumber": version.to_string(), "NewImage": image}})
        };
        json!({"Records": versions.iter().map(record).collect::<Vec<_>>()})
    };
    let observations = Observations::default();
    let reported = json!({"batchItemFailures": [{"itemIdentifier": "2"}]});
    observations.add(&invocation("PaymentRelayKafka", 10, &images(&[0, 1, 2]), Some(reported)));
    observations.add(&invocation("PaymentRelayKafka", 20, &images(&[2]), None));
    observations.add(&invocation("PaymentRelayKafka", 30, &images(&[2]), Some(handled())));
    let published_ms = |version| observations.published_ms(&(PAYMENT.parse().unwrap(), version));
    assert_eq!([1, 2, 3].map(published_ms), [Some(15), Some(35), None]);
}

#[test]
fn the_first_delivery_of_a_version_counts_even_if_it_failed() {
    let observations = Observations::default();
    observations.add(&invocation(CONSUMER, 40, &event("rabbitmq", &[1]), Some(handled())));
    observations.add(&invocation(CONSUMER, 10, &event("rabbitmq", &[1]), None));
    assert_eq!(observations.first_delivered_ms()[&(PAYMENT.parse().unwrap(), 1)], 10);
}
