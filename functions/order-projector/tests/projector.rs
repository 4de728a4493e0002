//! Batches as delivered by Lambda, against in-memory adapters.
#![allow(missing_docs, clippy::unwrap_used)]

mod world;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use order_projector::Config;
use orders::testing::Calls;
use orders::testing::samples::{at, captured, euros, request, voided};
use orders::{Evidence, OrderQueries, OrderStatus};
use payment_events::PaymentInfo;
use serde_json::Value;
use world::{ARRIVED_AT_UNIX_MS, FINDING, FailingStore, FailureMode, HUBS, Hub, SETTLING, World, event, payment};

#[tokio::test]
async fn payments_are_stored_and_their_orders_settled() {
    for hub in HUBS {
        let world = World::of(hub);
        assert_eq!(world.place("ord-1").await, OrderStatus::AwaitingPayment);
        let (first, second) = (payment("ord-1", "pay_1"), payment("ord-2", "pay_2"));
        let response = world.deliver(&[event(&first), event(&second)]).await;
        assert_eq!(response, hub.failures(&[]));
        assert_eq!(world.status("ord-1"), OrderStatus::Accepted);
        assert_eq!(world.versions("ord-2").await, [1], "stored before its order is placed");
        assert_eq!(world.place("ord-2").await, OrderStatus::Accepted);
    }
}

#[tokio::test]
async fn every_golden_event_is_decoded_and_stored_unchanged() {
    for hub in HUBS {
        let goldens =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/payment-events/golden")).unwrap();
        let goldens = goldens.map(|entry| entry.unwrap().path());
        let goldens: Vec<_> =
            goldens.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
        assert!(goldens.len() >= 11, "one for each type and transition");
        for golden in goldens {
            let (world, golden) = (World::of(hub), std::fs::read(golden).unwrap());
            assert_eq!(world.deliver(&[("ord-42", golden.clone())]).await, hub.failures(&[]));
            let copies = world.store.read(&"ord-42".parse().unwrap()).await.unwrap().payments;
            let copied = serde_json::to_value(&copies[0].payment).unwrap();
            let mut published = serde_json::from_slice::<Value>(&golden).unwrap();
            // Copies are states: with and without a transition, they are the same.
            published["data"].as_object_mut().unwrap().remove("transition");
            assert_eq!(copied, published["data"]);
        }
    }
}

#[tokio::test]
async fn duplicates_and_reordered_deliveries_end_in_the_same_state() {
    for hub in HUBS {
        let (held, void) = (payment("ord-1", "pay_1"), voided(&payment("ord-1", "pay_1")));
        let deliveries = [vec![&held, &void], vec![&void, &held], vec![&void, &held, &void, &held, &held]];
        for delivery in deliveries {
            let world = World::of(hub);
            world.place("ord-1").await;
            for payment in delivery {
                assert_eq!(world.deliver(&[event(payment)]).await, hub.failures(&[]));
            }
            assert_eq!(world.versions("ord-1").await, [2]);
            assert_ne!(world.status("ord-1"), OrderStatus::Accepted);
        }
    }
}

#[tokio::test]
async fn a_redelivered_batch_settles_orders_that_the_first_delivery_did_not() {
    for hub in HUBS {
        let world = World::of(hub);
        let held = payment("ord-1", "pay_1");
        world.deliver(&[event(&held)]).await;
        // The order as if the first delivery had died before it settled the order.
        world.store.seed(orders::Order::place(request("ord-1", euros(1_000)), Evidence::copies(&[]), at()));
        assert_eq!(world.deliver(&[event(&held)]).await, hub.failures(&[]));
        assert_eq!(world.status("ord-1"), OrderStatus::Accepted);
    }
}

#[tokio::test]
async fn an_order_that_fails_is_reported_from_its_first_record_and_the_others_continue() {
    for hub in HUBS {
        let world = World::of(hub);
        let order_id = "ord-2".parse().unwrap();
        world.store.fail_for(&order_id, true);
        let [one, two, three] = ["ord-1", "ord-2", "ord-3"].map(|order_id| payment(order_id, "pay_1"));
        let delivery = [event(&one), event(&two), event(&three), event(&two)];
        assert_eq!(world.place("ord-1").await, OrderStatus::AwaitingPayment);
        assert_eq!(world.deliver(&delivery).await, hub.failures(&["101"]));
        assert_eq!(world.status("ord-1"), OrderStatus::Accepted);
        assert_eq!(world.versions("ord-3").await, [1]);
        world.store.fail_for(&order_id, false);
        assert_eq!(world.versions("ord-2").await, Vec::<u64>::new());
        assert_eq!(world.deliver(&delivery).await, hub.failures(&[]));
        assert_eq!(world.versions("ord-2").await, [1]);
    }
}

#[tokio::test]
async fn an_undecodable_record_is_quarantined_completely_and_its_lane_continues() {
    for hub in HUBS {
        let world = World::of(hub);
        let good = payment("ord-1", "pay_1");
        let bad = b"\xff\0 not json".to_vec();
        assert_eq!(world.deliver(&[("ord-1", bad.clone()), event(&good)]).await, hub.failures(&[]));
        assert_eq!(world.versions("ord-1").await, [1]);
        let records = world.quarantine.records();
        let [record] = records.as_slice() else { panic!("expected one record in quarantine, found {}", records.len()) };
        assert_eq!(record.data, bad);
        assert!(record.reason.as_str().starts_with("not a CloudEvents object"), "{}", record.reason.as_str());
        let (id, key, arrived_at) = (record.id.to_string(), record.partition_key.as_str(), record.arrived_at.unix_ms());
        match hub {
            Hub::Kinesis => assert_eq!(id, "shardId-000000000006#100"),
            Hub::Kafka => assert!(id.starts_with("kafka:payments-0#100-1700000001500-"), "{id}"),
            Hub::RabbitMq => assert!(id.starts_with("rabbitmq:orders.payments#"), "{id}"),
        }
        // Lambda's event has neither the routing key nor a time of the broker.
        let is_known = hub != Hub::RabbitMq;
        assert_eq!((key == "ord-1", arrived_at == ARRIVED_AT_UNIX_MS), (is_known, is_known), "{record:?}");
    }
}

#[tokio::test]
async fn unknown_types_and_versions_and_inconsistent_payments_are_quarantined() {
    for hub in HUBS {
        let world = World::of(hub);
        let golden = include_str!("../../../crates/payment-events/golden/payment.captured.v1.json");
        let changed = |from: &str, to: &str| ("ord-42", golden.replace(from, to).into_bytes());
        let batch = [
            changed("payment.captured.v1", "payment.captured.v2"),
            changed("payment.captured.v1", "payment.disputed.v1"),
            changed("\"captured_minor\": 1299", "\"captured_minor\": 1300"),
        ];
        assert_eq!(world.deliver(&batch).await, hub.failures(&[]));
        assert_eq!(world.quarantine.records().len(), 3);
        assert_eq!(world.versions("ord-42").await, Vec::<u64>::new());
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_quarantined_is_reported_and_stops_its_lane() {
    for hub in HUBS {
        let world = World::of(hub);
        world.quarantine.fail_for_data(b"?");
        let [before, after] = ["pay_1", "pay_2"].map(|payment_id| payment("ord-1", payment_id));
        let other = payment("ord-2", "pay_3");
        let delivery = [event(&before), ("ord-1", b"?".to_vec()), event(&after), event(&other)];
        assert_eq!(world.deliver(&delivery).await, hub.failures(&["101"]));
        // The lane of an undecodable record is its key, which a RabbitMQ message does not have.
        let stored = world.versions("ord-1").await.len();
        assert_eq!(stored, if hub == Hub::RabbitMq { 2 } else { 1 }, "the earlier record, and the later one waits");
        assert_eq!(world.versions("ord-2").await, [1]);
    }
}

#[tokio::test]
async fn the_first_failure_of_a_lane_is_reported_when_store_and_quarantine_fail() {
    for hub in HUBS {
        let world = World::of(hub);
        world.store.fail_for(&"ord-1".parse().unwrap(), true);
        world.quarantine.fail_for_data(b"second");
        let held = payment("ord-1", "pay_1");
        let delivery = [("ord-1", b"first".to_vec()), event(&held), ("ord-1", b"second".to_vec())];
        assert_eq!(world.deliver(&delivery).await, hub.failures(&["101"]));
        assert_eq!(world.quarantine.records().len(), 1, "the second waits for the payment");
    }
}

#[tokio::test]
async fn records_are_not_started_after_the_deadline_and_are_reported() {
    for hub in HUBS {
        let world = World::of(hub);
        let delivery = [payment("ord-1", "pay_1"), payment("ord-2", "pay_2"), payment("ord-1", "pay_3")];
        let delivery: Vec<_> = delivery.iter().map(event).collect();
        let response = world.deliver_until(&delivery, SystemTime::UNIX_EPOCH).await;
        assert_eq!(response, hub.failures(&["100", "101"]));
        assert_eq!(world.store.take_calls(), orders::testing::Calls::default());
    }
}

#[tokio::test]
async fn a_batch_with_duplicates_costs_one_write_per_payment_and_one_read_per_order() {
    for hub in HUBS {
        let world = World::of(hub);
        let orders = ["ord-1", "ord-2", "ord-3"];
        let mut delivery = Vec::new();
        for _ in 0..5 {
            for order_id in orders {
                for payment_id in ["pay_1", "pay_2"] {
                    let held = PaymentInfo { amount: euros(100), ..payment(order_id, payment_id) };
                    let captured = captured(&held, 100, 0);
                    delivery.extend([held, captured]);
                }
            }
        }
        let delivery: Vec<_> = delivery.iter().map(event).collect();
        for order_id in &orders[..2] {
            world.place(order_id).await;
        }
        world.store.take_calls();
        assert_eq!(world.deliver(&delivery).await, hub.failures(&[]));
        // Two of the three orders are placed. Their payments cover neither.
        assert_eq!(world.store.take_calls(), Calls { looks: 1, reads: 2, order_writes: 0, payment_writes: 6 });
        for order_id in orders {
            assert_eq!(world.versions(order_id).await, [2, 2]);
        }
        world.store.take_calls();
        world.deliver(&[event(&payment("ord-1", "pay_3"))]).await;
        // An order whose status changes is written and read once more.
        assert_eq!(world.status("ord-1"), OrderStatus::Accepted);
        assert_eq!(world.store.take_calls(), Calls { looks: 1, reads: 2, order_writes: 1, payment_writes: 1 });
    }
}

#[tokio::test]
async fn placed_orders_are_found_in_calls_of_a_hundred() {
    for hub in HUBS {
        let world = World::of(hub);
        let payments: Vec<_> = (0..250).map(|n| payment(&format!("ord-{n}"), "pay_1")).collect();
        for n in [0, 120, 249] {
            world.place(&format!("ord-{n}")).await;
        }
        world.store.take_calls();
        let delivery: Vec<_> = payments.iter().map(event).collect();
        assert_eq!(world.deliver(&delivery).await, hub.failures(&[]));
        assert_eq!(world.store.take_calls().looks, 3);
        for n in [0, 120, 249] {
            assert_eq!(world.status(&format!("ord-{n}")), OrderStatus::Accepted);
        }
    }
}

#[tokio::test]
async fn the_newest_version_in_a_batch_is_stored_and_reported_by_the_first_record_of_its_payment() {
    for hub in HUBS {
        let world = World::of(hub);
        let held = payment("ord-1", "pay_1");
        let captured = captured(&held, 1_000, 0);
        let other = payment("ord-1", "pay_0");
        let delivery = [event(&other), event(&held), event(&captured), event(&held)];
        world.store.fail_for(&"ord-1".parse().unwrap(), true);
        assert_eq!(world.deliver(&delivery).await, hub.failures(&["100"]));
        world.store.fail_for(&"ord-1".parse().unwrap(), false);
        let failing = Arc::new(FailingStore { store: world.store.clone(), what: "pay_1", how: FailureMode::Error });
        let in_a_minute = SystemTime::now() + Duration::from_mins(1);
        let response = world.deliver_through(failing, &delivery, in_a_minute).await;
        assert_eq!(response, hub.failures(&["101"]), "the first record, not the one with the newest version");
        assert_eq!(world.deliver(&delivery).await, hub.failures(&[]));
        assert_eq!(world.versions("ord-1").await, [1, 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_or_panics_or_hangs_is_reported_and_the_other_orders_continue() {
    for hub in HUBS {
        for how in [FailureMode::Error, FailureMode::Panic, FailureMode::Hang] {
            let world = World::of(hub);
            for order_id in ["ord-1", "ord-2"] {
                world.place(order_id).await;
            }
            let (one, two) = (payment("ord-1", "pay_1"), payment("ord-2", "pay_2"));
            let failing = Arc::new(FailingStore { store: world.store.clone(), what: "pay_1", how });
            // The paused clock advances only while the test waits.
            let in_a_minute = SystemTime::now() + Duration::from_mins(1);
            let response = world.deliver_through(failing, &[event(&one), event(&two)], in_a_minute).await;
            assert_eq!(response, hub.failures(&["100"]));
            assert_eq!(world.status("ord-1"), OrderStatus::AwaitingPayment);
            assert_eq!(world.status("ord-2"), OrderStatus::Accepted);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn payments_whose_orders_cannot_be_found_or_settled_are_reported_by_their_first_record() {
    for hub in HUBS {
        for what in [FINDING, SETTLING] {
            for how in [FailureMode::Error, FailureMode::Panic, FailureMode::Hang] {
                let world = World::of(hub);
                world.place("ord-2").await;
                world.place("ord-3").await;
                let other = ("ord-1", b"?".to_vec());
                let (two, three) = (payment("ord-2", "pay_1"), payment("ord-3", "pay_1"));
                let delivery = [other, event(&two), event(&three), event(&two)];
                let failing = Arc::new(FailingStore { store: world.store.clone(), what, how });
                let in_a_minute = SystemTime::now() + Duration::from_mins(1);
                let response = world.deliver_through(failing, &delivery, in_a_minute).await;
                // Orders are found in one call and settled one by one.
                assert_eq!(
                    response,
                    if what == FINDING { hub.failures(&["101"]) } else { hub.failures(&["101", "102"]) }
                );
                assert_eq!(world.status("ord-2"), OrderStatus::AwaitingPayment);
                assert_eq!(world.deliver(&delivery).await, hub.failures(&[]));
                assert_eq!(world.status("ord-2"), OrderStatus::Accepted);
            }
        }
    }
}

#[tokio::test]
async fn an_aggregated_record_is_quarantined_with_that_reason() {
    let world = World::of(Hub::Kinesis);
    let aggregated = b"\xf3\x89\x9a\xc2\x0a\x01k\x1a\x06\x08\x00\x1a\x02{}0123456789abcdef".to_vec();
    assert_eq!(world.deliver(&[("ord-1", aggregated.clone())]).await, Hub::Kinesis.failures(&[]));
    let records = world.quarantine.records();
    assert_eq!(records[0].data, aggregated);
    assert!(records[0].reason.as_str().contains("Kinesis Producer Library"), "{}", records[0].reason.as_str());
}

#[tokio::test]
async fn payments_and_their_projection_lag_are_counted() {
    for hub in HUBS {
        let world = World::of(hub);
        let now = payment_events::Timestamp::now();
        let held = PaymentInfo { updated_at: now, created_at: now, ..payment("ord-1", "pay_1") };
        let delivery = [event(&held), event(&held), ("ord-2", b"?".to_vec())];
        world.deliver(&delivery).await;
        let [lag] = world.metric("ProjectionLag").try_into().unwrap();
        let [lag_ms] = lag.as_array().unwrap().as_slice() else { panic!("expected one payment: {lag}") };
        let stored = &world.store.read(&"ord-1".parse().unwrap()).await.unwrap().payments[0];
        assert!(lag_ms.as_u64() >= Some(stored.received_after_ms()), "{lag} was measured before the write");
        world.deliver(&delivery).await;
        assert_eq!(world.metric("Projected"), [1]);
        assert_eq!(world.metric("Stale"), [1, 2]);
        assert_eq!(world.metric("Quarantined"), [1, 1]);
        assert_eq!(world.metric("ProjectionLag").len(), 1);
    }
}

#[tokio::test]
async fn an_unacceptable_version_is_quarantined_and_the_version_before_it_is_stored() {
    for hub in HUBS {
        let world = World::of(hub);
        world.place("ord-1").await;
        let held = payment("ord-1", "pay_1");
        let taken = captured(&held, 1_000, 0);
        let other = payment("ord-2", "pay_2");
        let failing = Arc::new(FailingStore { store: world.store.clone(), what: "pay_1", how: FailureMode::Verdict });
        let in_a_minute = SystemTime::now() + Duration::from_mins(1);
        let delivery = [event(&held), event(&taken), event(&other)];
        assert_eq!(world.deliver_through(failing, &delivery, in_a_minute).await, hub.failures(&[]));
        assert_eq!(world.versions("ord-1").await, [1]);
        assert_eq!(world.status("ord-1"), OrderStatus::Accepted);
        assert_eq!(world.versions("ord-2").await, [1]);
        let records = world.quarantine.records();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].data, event(&taken).1);
        assert_eq!(world.metric("Quarantined"), [1]);
    }
}

#[tokio::test]
async fn an_order_that_cannot_be_settled_is_quarantined_once_and_the_other_orders_are_settled() {
    for hub in HUBS {
        let world = World::of(hub);
        for order_id in ["ord-1", "ord-2"] {
            world.place(order_id).await;
        }
        let (one, two) = (payment("ord-1", "pay_1"), payment("ord-2", "pay_2"));
        for _ in 0..2 {
            let failing =
                Arc::new(FailingStore { store: world.store.clone(), what: SETTLING, how: FailureMode::Verdict });
            let in_a_minute = SystemTime::now() + Duration::from_mins(1);
            assert_eq!(world.deliver_through(failing, &[event(&one)], in_a_minute).await, hub.failures(&[]));
        }
        let records = world.quarantine.records();
        assert_eq!(records.iter().map(|record| record.id.to_string()).collect::<Vec<_>>(), ["settlement#ord-1"]);
        assert_eq!(
            records[0].data,
            event(&one).1,
            "an event of the order, so that processing it again settles the order"
        );
        assert_eq!(world.deliver(&[event(&two), event(&one)]).await, hub.failures(&[]));
        assert_eq!(world.status("ord-1"), OrderStatus::Accepted);
        assert_eq!(world.status("ord-2"), OrderStatus::Accepted);
    }
}

#[test]
fn the_configuration_is_read_from_the_variables_of_the_template() {
    let variables = [
        ("ORDERS_TABLE", "orders"),
        ("QUARANTINE_TABLE", "quarantine"),
        ("LOG_LEVEL", "debug"),
        ("AWS_LAMBDA_FUNCTION_NAME", "projector-dev"),
    ];
    let config = Config::read(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect());
    let config = config.unwrap();
    assert_eq!((config.orders_table.as_str(), config.quarantine_table.as_str()), ("orders", "quarantine"));
    assert_eq!(config.function_name, "projector-dev");
}
