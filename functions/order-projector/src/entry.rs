//! From a record of the stream to what there is to do about it.

use orders::{QuarantinedRecord, Reason};
use payment_events::{DecodeError, PaymentEvent, PaymentInfo, Timestamp};
use stream_batch::Record;

use crate::event::KinesisRecord;

/// What a record comes down to.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A payment to store.
    Payment(Box<PaymentInfo>),
    /// Bytes to set aside.
    Unreadable(Box<Unreadable>),
}

/// A record that is no payment event.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) record: QuarantinedRecord,
    /// Why, in one word: the reason itself may quote the record, and a record belongs in no log.
    pub(crate) kind: &'static str,
}

/// Decodes a record. Its lane is its order, which for a record that cannot be read is what it was put under.
pub(crate) fn read(record: KinesisRecord) -> Record<String, Entry> {
    let sequence_number = record.kinesis.sequence_number.clone();
    match PaymentEvent::decode(&record.kinesis.data) {
        Ok(event) => {
            let key = event.partition_key().to_owned();
            Record { key, sequence_number, payload: Entry::Payment(Box::new(event.into_payment())) }
        }
        Err(error) => {
            let key = record.kinesis.partition_key.clone();
            let unreadable = Unreadable { kind: kind(&error), record: quarantined(record, &error) };
            Record { key, sequence_number, payload: Entry::Unreadable(Box::new(unreadable)) }
        }
    }
}

fn quarantined(record: KinesisRecord, error: &DecodeError) -> QuarantinedRecord {
    let now = Timestamp::now();
    let KinesisRecord { event_id, kinesis } = record;
    let shard_id = event_id.split_once(':').map_or("unknown", |(shard_id, _)| shard_id);
    QuarantinedRecord {
        reason: Reason::new(&error.to_string()),
        shard_id: shard_id.to_owned(),
        arrived_at: kinesis.arrived_at().unwrap_or(now),
        sequence_number: kinesis.sequence_number,
        partition_key: kinesis.partition_key,
        data: kinesis.data,
        quarantined_at: now,
    }
}

fn kind(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::NotAnEvent(_) => "not_an_event",
        DecodeError::SpecVersion(_) => "spec_version",
        DecodeError::UnknownType(_) => "unknown_type",
        DecodeError::UnsupportedVersion(_) => "unsupported_version",
        DecodeError::BadValue { .. } => "bad_value",
    }
}
