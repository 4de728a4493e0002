//! The quarantine table, against the DynamoDB emulator over a real socket.
#![allow(missing_docs, clippy::unwrap_used)]

mod emulator;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, TimeToLiveStatus};
use emulator::{QUARANTINE_TABLE, at};
use paystream_local::{Effect, Fault, FaultTarget};
use quarantine::{KEPT_DAYS, PART_BYTES_MAX, Quarantine, QuarantineTable, QuarantinedRecord, Reason, RecordId};

fn record(data: Vec<u8>) -> QuarantinedRecord {
    QuarantinedRecord {
        data,
        reason: Reason::new("not a CloudEvents object"),
        id: RecordId::new("shardId-000000000003", "4959033827149025660855969253836157"),
        partition_key: "ord-9".to_owned(),
        arrived_at: at(),
        quarantined_at: at().plus_ms(70),
    }
}

/// Parts of the record made by [`record`], in order.
async fn parts(client: &Client) -> Vec<HashMap<String, AttributeValue>> {
    let key = AttributeValue::S("shardId-000000000003#4959033827149025660855969253836157".to_owned());
    let query = client.query().table_name(QUARANTINE_TABLE).key_condition_expression("#record = :record");
    let query = query.expression_attribute_names("#record", "record").expression_attribute_values(":record", key);
    query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap()
}

fn bytes(parts: &[HashMap<String, AttributeValue>]) -> Vec<u8> {
    parts.iter().flat_map(|part| part["data"].as_b().unwrap().as_ref().to_vec()).collect()
}

#[tokio::test]
async fn records_of_any_size_are_stored_completely() {
    for (size, count) in [(0, 1), (1, 1), (PART_BYTES_MAX, 1), (PART_BYTES_MAX + 1, 2), (10 * 1024 * 1024, 30)] {
        let client = emulator::start().await;
        let quarantine = QuarantineTable::new(client.clone(), QUARANTINE_TABLE);
        // The period does not divide the part size, so that swapped parts are detected.
        let data: Vec<u8> = (0..=250).cycle().take(size).collect();
        quarantine.store(&record(data.clone())).await.unwrap();
        let parts = parts(&client).await;
        assert_eq!(parts.len(), count, "{size} bytes");
        assert_eq!(parts[0]["parts"].as_n().unwrap(), &count.to_string());
        assert!(bytes(&parts) == data, "{size} bytes changed");
    }
}

#[tokio::test]
async fn every_item_of_a_record_is_within_the_dynamodb_item_limit() {
    let client = emulator::start().await;
    // All attributes at their maximum. A partition key has 256 characters of up to four bytes.
    let longest = QuarantinedRecord {
        reason: Reason::new(&"r".repeat(Reason::BYTES_MAX)),
        id: RecordId::new(&"s".repeat(2_000), &"9".repeat(2_000)),
        partition_key: "\u{10ffff}".repeat(256),
        ..record(vec![0xff; PART_BYTES_MAX])
    };
    QuarantineTable::new(client.clone(), QUARANTINE_TABLE).store(&longest).await.unwrap();
    let items = client.scan().table_name(QUARANTINE_TABLE).send().await.unwrap();
    let [item] = items.items() else { panic!("one item") };
    let size: usize = item.iter().map(|(name, value)| name.len() + length(value)).sum();
    assert!(size > PART_BYTES_MAX && size < 400 * 1024, "{size} bytes");
}

/// Size of a value as DynamoDB counts it, or an upper bound.
fn length(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(_) => 21,
        other => panic!("unexpected type: {other:?}"),
    }
}

#[tokio::test]
async fn a_record_whose_write_was_interrupted_is_complete_after_its_redelivery() {
    let data: Vec<u8> = (0..=250).cycle().take(3 * PART_BYTES_MAX + 7).collect();
    for written in 0..4 {
        let emulators = emulator::start_emulators().await;
        let client = emulator::client(&emulators);
        let quarantine = QuarantineTable::new(client.clone(), QUARANTINE_TABLE);
        let denied = Fault::new(FaultTarget::DynamoDb, Effect::error("AccessDeniedException")).operation("PutItem");
        emulators.inject(denied.skip(written)).unwrap();
        assert!(quarantine.store(&record(data.clone())).await.is_err());
        assert_eq!(parts(&client).await.len() as u64, written);
        assert!(
            parts(&client).await.iter().all(|part| part["part"].as_n().unwrap() != "0"),
            "part 0 marks a complete record"
        );
        emulators.clear_faults();
        let again = QuarantinedRecord { quarantined_at: at().plus_ms(90_000), ..record(data.clone()) };
        quarantine.store(&again).await.unwrap();
        let parts = parts(&client).await;
        assert!(bytes(&parts) == data, "{written} parts existed before");
        assert_eq!(parts[0]["parts"].as_n().unwrap(), "4");
    }
}

#[tokio::test]
async fn time_to_live_is_enabled_on_the_quarantine_table() {
    let description =
        emulator::start().await.describe_time_to_live().table_name(QUARANTINE_TABLE).send().await.unwrap();
    let description = description.time_to_live_description.unwrap();
    assert_eq!(description.time_to_live_status, Some(TimeToLiveStatus::Enabled));
    assert_eq!(description.attribute_name.as_deref(), Some("expires_at"));
}

#[tokio::test]
async fn every_part_of_a_record_expires() {
    let client = emulator::start().await;
    let quarantine = QuarantineTable::new(client.clone(), QUARANTINE_TABLE);
    quarantine.store(&record(vec![7; PART_BYTES_MAX * 2])).await.unwrap();
    let parts = parts(&client).await;
    assert_eq!(parts.len(), 2);
    assert!(parts.iter().all(|part| part["expires_at"] == parts[0]["expires_at"]));
}

#[tokio::test]
async fn a_record_is_stored_with_its_metadata_and_expires() {
    let client = emulator::start().await;
    QuarantineTable::new(client.clone(), QUARANTINE_TABLE).store(&record(b"\xff{".to_vec())).await.unwrap();
    let part = &parts(&client).await[0];
    let text = |name: &str| part[name].as_s().unwrap().as_str();
    assert_eq!(text("reason"), "not a CloudEvents object");
    assert_eq!(text("record"), "shardId-000000000003#4959033827149025660855969253836157");
    assert_eq!(text("partition_key"), "ord-9");
    assert_eq!(text("arrived_at"), at().to_string());
    assert_eq!(text("quarantined_at"), at().plus_ms(70).to_string());
    assert_eq!(part["bytes"].as_n().unwrap(), "2");
    let expires_at = at().plus_ms(70).unix_ms() / 1_000 + KEPT_DAYS * 86_400;
    assert_eq!(part["expires_at"].as_n().unwrap(), &expires_at.to_string());
}

#[tokio::test]
async fn a_redelivered_record_stays_as_it_was_first_quarantined() {
    let client = emulator::start().await;
    let quarantine = QuarantineTable::new(client.clone(), QUARANTINE_TABLE);
    let first = record(vec![7; PART_BYTES_MAX + 5]);
    quarantine.store(&first).await.unwrap();
    let again = QuarantinedRecord { quarantined_at: at().plus_ms(90_000), ..first.clone() };
    quarantine.store(&again).await.unwrap();
    let parts = parts(&client).await;
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0]["quarantined_at"].as_s().unwrap(), &first.quarantined_at.to_string());
    assert!(bytes(&parts) == first.data);
}
