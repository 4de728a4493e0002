//! Decoding and folding of a batch.

use std::collections::HashMap;

use orders::{QuarantinedRecord, Reason};
use payment_events::{DecodeError, OrderId, PaymentEvent, PaymentId, Timestamp};
use stream_batch::{KinesisRecord, Record};

/// A decoded record.
#[derive(Debug)]
pub(crate) enum Entry {
    /// Payment to store, in its newest version of the batch.
    Payment(Box<PaymentEvent>),
    /// Payment that was folded into an earlier entry of the batch.
    Folded,
    /// Record to quarantine.
    Unreadable(Box<Unreadable>),
}

/// A record that is not a payment event.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) record: QuarantinedRecord,
    /// Kind of error, for the log. The reason is not logged, because it may quote the record.
    pub(crate) kind: &'static str,
}

/// Decodes a batch and folds it to the newest version of each payment.
///
/// The newest version moves to the position of the payment's **first** record. If it cannot be stored, that first
/// record is reported, so that no version of the payment is acknowledged before one is stored.
///
/// Returns one entry per record, in batch order. The lane of an entry is the order id.
pub(crate) fn fold(records: impl IntoIterator<Item = KinesisRecord>) -> Vec<Record<String, Entry>> {
    let mut entries: Vec<Record<String, Entry>> = Vec::new();
    let mut places: HashMap<(OrderId, PaymentId), usize> = HashMap::new();
    for mut entry in records.into_iter().map(decode) {
        if let Entry::Payment(event) = &mut entry.payload {
            let payment = event.payment();
            let key = (payment.order_id.clone(), payment.payment_id.clone());
            let place = *places.entry(key).or_insert(entries.len());
            if let Some(Record { payload: Entry::Payment(known), .. }) = entries.get_mut(place) {
                if known.payment().version < payment.version {
                    std::mem::swap(known, event);
                }
                entry.payload = Entry::Folded;
            }
        }
        entries.push(entry);
    }
    entries
}

/// Decodes a record. Its lane is the order id, or the partition key if the record is undecodable.
fn decode(record: KinesisRecord) -> Record<String, Entry> {
    let sequence_number = record.sequence_number.clone();
    let unreadable = match record.user_data() {
        Ok(data) => match PaymentEvent::decode(data) {
            Ok(event) => {
                let key = event.partition_key().to_owned();
                return Record { key, sequence_number, payload: Entry::Payment(Box::new(event)) };
            }
            Err(error) => (kind_of(&error), Reason::new(&error.to_string())),
        },
        Err(aggregated) => ("aggregated", Reason::new(&aggregated.to_string())),
    };
    let (kind, reason) = unreadable;
    let key = record.partition_key.clone();
    let unreadable = Unreadable { kind, record: quarantined(record, reason) };
    Record { key, sequence_number, payload: Entry::Unreadable(Box::new(unreadable)) }
}

fn quarantined(record: KinesisRecord, reason: Reason) -> QuarantinedRecord {
    let now = Timestamp::now();
    let arrived_at = record.arrived_at_unix_ms.and_then(|unix_ms| Timestamp::from_unix_ms(unix_ms).ok());
    let shard_id = if record.shard_id.is_empty() { "unknown".to_owned() } else { record.shard_id };
    QuarantinedRecord {
        reason,
        shard_id,
        arrived_at: arrived_at.unwrap_or(now),
        sequence_number: record.sequence_number,
        partition_key: record.partition_key,
        data: record.data,
        quarantined_at: now,
    }
}

fn kind_of(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::NotAnEvent(_) => "not_an_event",
        DecodeError::SpecVersion(_) => "spec_version",
        DecodeError::UnknownType(_) => "unknown_type",
        DecodeError::UnsupportedVersion(_) => "unsupported_version",
        DecodeError::BadValue { .. } => "bad_value",
    }
}
