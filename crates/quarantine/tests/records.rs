//! Operator access to the quarantine table, against the DynamoDB emulator over a real socket.
#![allow(missing_docs, clippy::unwrap_used)]

mod emulator;

use aws_sdk_dynamodb::types::AttributeValue;
use emulator::{QUARANTINE_TABLE, at};
use quarantine::{PART_BYTES_MAX, Quarantine, QuarantineRecords, QuarantineTable, QuarantinedRecord, Reason, RecordId};

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn record(sequence_number: &str, seconds: u64, data: Vec<u8>) -> QuarantinedRecord {
    QuarantinedRecord {
        data,
        reason: Reason::new("not a CloudEvents object"),
        id: RecordId::new("shardId-000000000003", sequence_number),
        partition_key: "ord-9".to_owned(),
        arrived_at: at(),
        quarantined_at: at().plus_ms(seconds * 1_000),
    }
}

#[tokio::test]
async fn records_are_listed_newest_first_and_loaded_completely() {
    let client = emulator::start().await;
    let table = QuarantineTable::new(client.clone(), QUARANTINE_TABLE);
    let records = QuarantineRecords::new(client.clone(), QUARANTINE_TABLE);
    assert_eq!(records.list(10).await.unwrap(), []);
    // The period does not divide the part size, so that swapped parts are detected.
    let large: Vec<u8> = (0..=250).cycle().take(PART_BYTES_MAX * 11 + 5).collect();
    let all = [record("41", 1, b"\xff{".to_vec()), record("43", 3, large), record("42", 2, Vec::new())];
    for record in &all {
        table.store(record).await.unwrap();
    }
    let listed = records.list(10).await.unwrap();
    let short: Vec<_> = listed.iter().map(|known| (known.id.position(), known.bytes)).collect();
    assert_eq!(short, [("43", all[1].data.len() as u64), ("42", 0), ("41", 2)]);
    assert_eq!(records.list(1).await.unwrap(), listed[..1]);
    for (known, expected) in listed.iter().zip([&all[1], &all[2], &all[0]]) {
        assert_eq!(records.find(&known.id).await.unwrap().as_ref(), Some(known));
        assert!(records.load(&known.id).await.unwrap().as_ref() == Some(expected), "{} changed", known.id);
    }
}

#[tokio::test]
async fn dropping_a_record_deletes_all_its_parts_and_no_other_record() {
    let client = emulator::start().await;
    let table = QuarantineTable::new(client.clone(), QUARANTINE_TABLE);
    let records = QuarantineRecords::new(client.clone(), QUARANTINE_TABLE);
    table.store(&record("41", 1, vec![7; PART_BYTES_MAX * 2])).await.unwrap();
    table.store(&record("411", 2, vec![8])).await.unwrap();
    let id = "shardId-000000000003#41".parse().unwrap();
    assert!(records.drop(&id).await.unwrap());
    assert_eq!((records.load(&id).await.unwrap(), records.find(&id).await.unwrap()), (None, None));
    assert!(!records.drop(&id).await.unwrap(), "it is already dropped");
    let left = client.scan().table_name(QUARANTINE_TABLE).send().await.unwrap();
    assert_eq!(left.count(), 1);
}

#[tokio::test]
async fn an_incomplete_record_is_neither_listed_nor_loaded() {
    let client = emulator::start().await;
    let records = QuarantineRecords::new(client.clone(), QUARANTINE_TABLE);
    let odd = client.put_item().table_name(QUARANTINE_TABLE).item("record", text("odd"));
    odd.item("part", AttributeValue::N("0".to_owned())).send().await.unwrap();
    let part = client.put_item().table_name(QUARANTINE_TABLE).item("record", text("shardId-0#41"));
    let part = part.item("part", AttributeValue::N("1".to_owned()));
    part.item("data", AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(b"x"))).send().await.unwrap();
    assert_eq!(records.list(10).await.unwrap(), []);
    assert_eq!(records.load(&"shardId-0#41".parse().unwrap()).await.unwrap(), None);
}
