//! From the records of a batch to what there is to do about each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

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
    /// Bytes to set aside.
    Unreadable(Arc<Unreadable>),
}

/// A record that is no payment event.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) record: QuarantinedRecord,
    /// Why, in one word: the reason itself may quote the record, and a record belongs in no log.
    pub(crate) kind: &'static str,
}

/// An order that payments of the batch are of.
#[derive(Debug, Clone)]
pub(crate) struct Touched {
    pub(crate) order_id: OrderId,
    /// Of its first payment: what it is reported by.
    pub(crate) sequence_number: String,
}

/// What a batch comes down to.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// As many as there are records, in their order. The lane of each is its order.
    pub(crate) entries: Vec<Record<String, Entry>>,
    /// In the order of their first payments.
    pub(crate) touched: Vec<Touched>,
}

/// Decodes a batch, and folds it to the newest version of each payment.
///
/// The newest version takes the place of the **first** one in the batch. So what is reported of a payment that cannot be
/// stored is its first record, and none of its versions is acknowledged before one is stored.
pub(crate) fn fold(records: impl IntoIterator<Item = KinesisRecord>) -> Folded {
    let mut folded = Folded::default();
    let mut places: HashMap<(OrderId, PaymentId), usize> = HashMap::new();
    let mut touched = HashSet::new();
    for mut entry in records.into_iter().map(read) {
        if let Entry::Payment(event) = &mut entry.payload {
            let payment = event.payment();
            let order_id = payment.order_id.clone();
            if touched.insert(order_id.clone()) {
                let sequence_number = entry.sequence_number.clone();
                folded.touched.push(Touched { order_id: order_id.clone(), sequence_number });
            }
            let place = *places.entry((order_id, payment.payment_id.clone())).or_insert(folded.entries.len());
            if let Some(Record { payload: Entry::Payment(known), .. }) = folded.entries.get_mut(place) {
                if known.payment().version < payment.version {
                    std::mem::swap(known, event);
                }
                entry.payload = Entry::Folded;
            }
        }
        folded.entries.push(entry);
    }
    folded
}

/// Decodes a record. Its lane is its order, which for a record that cannot be read is what it was put under.
fn read(record: KinesisRecord) -> Record<String, Entry> {
    let sequence_number = record.sequence_number.clone();
    let unreadable = match record.user_data() {
        Ok(data) => match PaymentEvent::decode(data) {
            Ok(event) => {
                let key = event.partition_key().to_owned();
                return Record { key, sequence_number, payload: Entry::Payment(Box::new(event)) };
            }
            Err(error) => (kind(&error), Reason::new(&error.to_string())),
        },
        Err(aggregated) => ("aggregated", Reason::new(&aggregated.to_string())),
    };
    let (kind, reason) = unreadable;
    let key = record.partition_key.clone();
    let unreadable = Unreadable { kind, record: quarantined(record, reason) };
    Record { key, sequence_number, payload: Entry::Unreadable(Arc::new(unreadable)) }
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

fn kind(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::NotAnEvent(_) => "not_an_event",
        DecodeError::SpecVersion(_) => "spec_version",
        DecodeError::UnknownType(_) => "unknown_type",
        DecodeError::UnsupportedVersion(_) => "unsupported_version",
        DecodeError::BadValue { .. } => "bad_value",
    }
}
