//! Records and items at the edge of the contract and beyond it: each ends as stored, stale or quarantined, and none holds up
//! another order. The projector is the real one, over a healthy store.
//!
//! `PAYSTREAM_RECORDS` sets the number of generated records, and `PAYSTREAM_SEED` the seed, which a failing test prints.
#![allow(missing_docs, clippy::unwrap_used)]

mod events;
mod hubs;
mod world;

use std::collections::HashSet;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use events::{CHARACTERS, Event, Expected, LENGTHS, STATUSES, TIMES, VERSIONS, not_events, text_of};
use fastrand::Rng;
use futures::{StreamExt, stream};
use hubs::{HUBS, Hub};
use orders::OrderRequest;
use paystream_tests::variable;
use serde::Deserialize;
use serde_json::json;
use world::{Given, World, wrong_values};

/// Number of generated records by default. The nightly checks generate a million.
const RECORDS: usize = 1_600;
const BATCH: usize = 200;
/// Every tenth record of a batch is an ordinary event, which has to arrive.
const ORDINARY: usize = 10;
/// Every fifth order is placed, so that its payments settle it.
const PLACED: u64 = 5;
const TIME: &str = "2026-11-22T20:00:00.123Z";

struct Record {
    given: Given,
    expected: Expected,
}

fn ids(number: u64) -> (String, String) {
    (format!("pay_x{number}"), format!("ord-x{number}"))
}

fn record(number: u64, event: Event, expected: Expected) -> Record {
    let given = Given { sequence_number: number, partition_key: ids(number).1, data: event.into_bytes() };
    Record { given, expected }
}

fn both(one: Expected, other: Expected) -> Expected {
    match (one, other) {
        (Expected::Quarantined, _) | (_, Expected::Quarantined) => Expected::Quarantined,
        (Expected::Either, _) | (_, Expected::Either) => Expected::Either,
        (Expected::Stored, Expected::Stored) => Expected::Stored,
    }
}

/// Returns every combination of a status, a time and a version; of a character and a length in each text of a decline; and
/// every record that is not an event.
fn combinations() -> Vec<Box<dyn Fn(u64) -> Record>> {
    let mut all: Vec<Box<dyn Fn(u64) -> Record>> = Vec::new();
    for status in STATUSES {
        for (time, by_time) in TIMES {
            for (version, by_version) in VERSIONS {
                all.push(Box::new(move |number| {
                    let (payment_id, order_id) = ids(number);
                    let event = Event::new(&payment_id, &order_id, status, version, time);
                    record(number, event, both(by_time, by_version))
                }));
            }
        }
    }
    for field in [("decline", "code"), ("decline", "message")] {
        for character in CHARACTERS {
            for length in LENGTHS {
                all.push(Box::new(move |number| {
                    let (payment_id, order_id) = ids(number);
                    let event = Event::new(&payment_id, &order_id, "declined", "1", TIME);
                    let text = text_of(character, length);
                    // The contract does not say where within 256 KiB the other text ends.
                    let bytes = serde_json::from_str::<String>(&text).unwrap().len();
                    let expected = match bytes {
                        0..=262_000 => Expected::Stored,
                        262_145.. => Expected::Quarantined,
                        _ => Expected::Either,
                    };
                    record(number, event.with(field, text), expected)
                }));
            }
        }
    }
    for data in not_events() {
        all.push(Box::new(move |number| Record {
            given: Given { sequence_number: number, partition_key: ids(number).1, data: data.clone() },
            expected: Expected::Quarantined,
        }));
    }
    all
}

/// Returns a valid event with one to three changes at random.
fn changed(number: u64, rng: &mut Rng) -> Record {
    let (payment_id, order_id) = ids(number);
    let mut event = Event::new(&payment_id, &order_id, rng.choice(STATUSES.iter()).unwrap(), "1", TIME);
    for _ in 0..rng.usize(1..=3) {
        event.change(rng);
    }
    record(number, event, Expected::Either)
}

fn ordinary(number: u64) -> Record {
    let (payment_id, order_id) = ids(number);
    record(number, Event::new(&payment_id, &order_id, "authorized", "1", TIME), Expected::Stored)
}

/// The parts of an event that name an item, read without regard to the rest.
#[derive(Deserialize)]
struct Named {
    data: Keys,
}

#[derive(Deserialize)]
struct Keys {
    order_id: String,
    payment_id: String,
    version: u64,
}

/// Returns true if the raw table has the payment that the record names, in its version or a newer one.
async fn is_stored(world: &World, data: &[u8]) -> bool {
    let Ok(Named { data: Keys { order_id, payment_id, version } }) = serde_json::from_slice(data) else { return false };
    // Bounds of DynamoDB's keys.
    if order_id.is_empty() || order_id.len() > 1_024 || payment_id.len() > 1_000 {
        return false;
    }
    let item = world.item(&order_id, &format!("payment#{payment_id}")).await;
    item.is_some_and(|item| item["version"].as_n().unwrap().parse::<u64>().unwrap() >= version)
}

async fn place(world: &World, order_id: &str) {
    let line = orders::Line {
        sku: "tea".parse().unwrap(),
        quantity: orders::Quantity::new(1).unwrap(),
        unit_price: orders::Price::new(1_299, "EUR".parse().unwrap()).unwrap(),
    };
    let request = OrderRequest {
        order_id: order_id.parse().unwrap(),
        customer_id: "cust-7".parse().unwrap(),
        lines: orders::Lines::new(vec![line]).unwrap(),
    };
    world.place.place(request).await.unwrap();
}

#[tokio::test]
async fn every_extreme_record_is_stored_stale_or_quarantined_and_none_is_reported() {
    let seed = variable("PAYSTREAM_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    let count: usize = variable("PAYSTREAM_RECORDS").unwrap_or(RECORDS);
    let mut rng = Rng::with_seed(seed);
    let mut combinations = combinations();
    rng.shuffle(&mut combinations);
    let mut world = World::start().await;
    let mut number = 0;
    // Every batch comes from another hub. The first is chosen at random, so that each payload meets each hub.
    let mut hubs = HUBS.into_iter().cycle().skip(rng.usize(..HUBS.len()));
    while number < count as u64 {
        // One store for a million records would slow down.
        if number % 50_000 == 49_800 {
            world = World::start().await;
        }
        let batch: Vec<Record> = (0..BATCH)
            .map(|position| {
                number += 1;
                match combinations.pop() {
                    _ if position % ORDINARY == 0 => ordinary(number),
                    Some(combination) => combination(number),
                    None => changed(number, &mut rng),
                }
            })
            .collect();
        for record in batch.iter().filter(|record| record.given.sequence_number % PLACED == 0) {
            place(&world, &record.given.partition_key).await;
        }
        check(&world, &batch, hubs.next().unwrap(), seed, &mut rng).await;
    }
}

async fn check(world: &World, batch: &[Record], hub: Hub, seed: u64, rng: &mut Rng) {
    let given: Vec<_> = batch.iter().map(|record| &record.given).collect();
    let response = match hub {
        Hub::Kinesis => world.deliver(&given).await,
        Hub::Kafka | Hub::RabbitMq => world.deliver_event(hubs::event(hub, &given, rng)).await,
    };
    let again = format!("{hub:?}; rerun: PAYSTREAM_SEED={seed} cargo test -p paystream-tests --test extreme");
    assert_eq!(response.batch_item_failures, [], "records were reported as failed: {again}");
    // Ids of Kafka and RabbitMQ have digests, so their records are looked for by their data.
    let mut kept = HashSet::new();
    for id in world.take_ids() {
        kept.extend(world.quarantined(&id.to_string()).await);
    }
    let quarantined_of = async |given: &Given| match hub {
        Hub::Kinesis => world.quarantined_at(given.sequence_number).await,
        Hub::Kafka | Hub::RabbitMq => kept.get(&given.data).cloned(),
    };
    let checks = stream::iter(batch).map(async |record| {
        let given = &record.given;
        let (stored, quarantined) = (is_stored(world, &given.data).await, quarantined_of(given).await);
        let shown = || String::from_utf8_lossy(&given.data[..given.data.len().min(1_000)]).into_owned();
        assert!(stored != quarantined.is_some(), "stored {stored}: {}; {again}", shown());
        assert!(quarantined.is_none_or(|data| data == given.data), "changed: {}; {again}", shown());
        let outcome = if stored { Expected::Stored } else { Expected::Quarantined };
        let is_expected = record.expected == outcome || record.expected == Expected::Either;
        assert!(is_expected, "{outcome:?}, expected {:?}: {}; {again}", record.expected, shown());
        if stored && given.sequence_number % PLACED == 0 {
            let order = world.item(&given.partition_key, "order").await.unwrap();
            assert!(order.contains_key("status"));
        }
    });
    checks.buffer_unordered(16).collect::<Vec<()>>().await;
}

/// Records that only some producers and topics have, before a payment in the same batch. Each is quarantined under an id
/// of its own, whole, once; the payment is stored.
#[tokio::test]
async fn records_of_other_producers_and_of_recreated_topics_are_quarantined_once() {
    let (world, mut rng) = (World::start().await, Rng::with_seed(0));
    let mut number = 2_000_000;
    for hub in [Hub::Kafka, Hub::RabbitMq] {
        let mut ids = HashSet::new();
        let poison = if hub == Hub::Kafka { hubs::kafka_poison() } else { hubs::rabbitmq_poison() };
        for (what, record, data) in poison {
            number += 1;
            let payment = ordinary(number).given;
            let value = if hub == Hub::Kafka { "value" } else { "data" };
            let beside = json!({
                "partition": 0, "offset": 9, "key": "eA==", value: BASE64_STANDARD.encode(&payment.data),
            });
            let mut event = |records| match hub {
                Hub::Kafka => hubs::kafka_event(records, &mut rng),
                _ => hubs::rabbitmq_event(&records),
            };
            // Delivered, and delivered again.
            for is_redelivery in [false, true] {
                let event = event(vec![record.clone(), beside.clone()]);
                assert_eq!(world.deliver_event(hubs::read(&event)).await.batch_item_failures, [], "{hub:?}: {what}");
                let [id] = world.take_ids().try_into().unwrap();
                assert_eq!(ids.insert(id.clone()), !is_redelivery, "{hub:?}: {what}: {id}");
                assert_eq!(world.quarantined(&id.to_string()).await.as_ref(), Some(&data), "{hub:?}: {what}");
                assert!(is_stored(&world, &payment.data).await, "{hub:?}: beside {what}");
            }
        }
    }
}

/// Every attribute of an order and of a payment, made unreadable in every way, beside nine orders that are in order.
#[tokio::test]
async fn an_unreadable_item_affects_its_own_order_alone() {
    let world = World::start().await;
    let mut number = 1_000_000;
    // The items as they are written.
    let (_, order_id) = ids(number);
    place(&world, &order_id).await;
    assert_eq!(world.deliver(&[&ordinary(number).given]).await.batch_item_failures, []);
    let order = world.item(&order_id, "order").await.unwrap();
    let payment = world.item(&order_id, &format!("payment#{}", ids(number).0)).await.unwrap();

    for original in [order, payment] {
        let mut names: Vec<_> = original.keys().filter(|name| !["order_id", "item"].contains(&name.as_str())).collect();
        names.sort();
        for name in names {
            let values = wrong_values(&original[name]);
            let first = number + 1;
            let healthy = first + values.len() as u64..first + values.len() as u64 + 9;
            number = healthy.end;
            let batch: Vec<_> = (first..healthy.end).map(|number| ordinary(number).given).collect();
            for given in &batch {
                place(&world, &given.partition_key).await;
            }
            for (number, value) in (first..).zip(&values) {
                let mut item = original.clone();
                item.insert("order_id".to_owned(), AttributeValue::S(ids(number).1));
                match value {
                    Some(value) => item.insert(name.clone(), value.clone()),
                    None => item.remove(name),
                };
                world.put(item).await;
            }
            let sort_key = original["item"].as_s().unwrap();
            assert_eq!(
                world.deliver(&batch.iter().collect::<Vec<_>>()).await.batch_item_failures,
                [],
                "{name} of {sort_key}"
            );
            for number in healthy {
                assert!(is_stored(&world, &ordinary(number).given.data).await, "beside {name} of {sort_key}");
                assert_eq!(status(&world, number).await.as_deref(), Some("accepted"), "beside {name} of {sort_key}");
            }
            for (number, value) in (first..).zip(&values) {
                let what = format!("{name} of {sort_key} is {value:?}");
                assert!(is_stored(&world, &ordinary(number).given.data).await, "{what}");
                // An attribute may still be readable, or not matter.
                let is_settled = status(&world, number).await.as_deref() == Some("accepted");
                let is_visible = world.quarantined(&format!("settlement#{}", ids(number).1)).await.is_some();
                assert!(is_settled || is_visible, "{what}: the order is neither settled nor in quarantine");
            }
        }
    }
}

/// Returns the raw status of an order.
async fn status(world: &World, number: u64) -> Option<String> {
    let order = world.item(&ids(number).1, "order").await?;
    order.get("status")?.as_s().ok().cloned()
}
