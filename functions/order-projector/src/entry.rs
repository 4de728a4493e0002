//! From the records of a batch to what there is to do about each.

use std::collections::HashMap;

use orders::{QuarantinedRecord, Reason};
use payment_events::{DecodeError, OrderId, PaymentEvent, PaymentId, Timestamp};
use stream_batch::{KinesisRecord, Record};

/// What a record comes down to.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A payment to store: the newest version that the batch has of it.
    Payment(Box<PaymentEvent>),
    /// A payment that an earlier entry of the batch stands for.
    Folded,
    /// A record to quarantine.
    Unreadable(Box<Unreadable>),
}

/// A record that is no payment event.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) record: QuarantinedRecord,
    /// Why, in one word: the reason itself may quote the record, and a record belongs in no log.
    pub(crate) kind: &'static str,
}

/// Decodes a batch, and folds it to the newest version of each payment.
///
/// The newest version takes the place of the **first** one in the batch. So what is reported of a payment that cannot be
/// stored is its first record, and none of its versions is acknowledged before one is stored.
///
/// There are as many entries as records, in their order. The lane of each is its order.
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

/// Decodes a record. Its lane is its order, which for a record that cannot be read is what it was put under.
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
