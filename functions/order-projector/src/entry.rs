//! Decoding and folding of a batch.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use payment_events::{DecodeError, OrderId, PaymentEvent, PaymentId, Timestamp};
use quarantine::{QuarantinedRecord, Reason, RecordId};
use stream_batch::{HubPosition, Record};

use crate::record::{HubRecord, NoData};

/// Outcome of decoding and folding one record of the batch.
#[derive(Debug)]
pub(crate) enum Entry {
    /// Versions of one payment, newest first.
    Payment(Vec<Version>),
    /// Payment that was folded into an earlier entry of the batch.
    Folded,
    /// Record to quarantine.
    Undecodable(Undecodable),
}

/// A record of the batch by its lane.
pub(crate) type HubEntry = Record<String, Entry, HubPosition>;

/// A payment event with the record that held it.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) event: PaymentEvent,
    pub(crate) record: Arc<HubRecord>,
}

/// A record that is not a payment event.
#[derive(Debug)]
pub(crate) struct Undecodable {
    pub(crate) record: HubRecord,
    /// Kind of error, for the log. The reason is not logged, because it may quote the record.
    pub(crate) kind: &'static str,
    pub(crate) reason: Reason,
}

/// Decodes a batch and folds it to one entry per payment, with its versions sorted, newest first.
///
/// The entry is at the position of the payment's **first** record. If no version can be stored, that first record is
/// reported, so that no version of the payment is acknowledged before one is stored.
///
/// Returns one entry per record, in batch order. The lane of an entry is the order id, or the key if the record is
/// undecodable.
pub(crate) fn fold(records: impl IntoIterator<Item = HubRecord>) -> Vec<HubEntry> {
    let mut entries: Vec<HubEntry> = Vec::new();
    let mut places: HashMap<(OrderId, PaymentId), usize> = HashMap::new();
    for mut entry in records.into_iter().map(decode) {
        if let Entry::Payment(versions) = &mut entry.payload
            && let Some(payment) = versions.first().map(|version| version.event.payment())
        {
            let key = (payment.order_id.clone(), payment.payment_id.clone());
            let place = *places.entry(key).or_insert(entries.len());
            if let Some(Record { payload: Entry::Payment(known), .. }) = entries.get_mut(place) {
                known.append(versions);
                entry.payload = Entry::Folded;
            }
        }
        entries.push(entry);
    }
    for entry in &mut entries {
        if let Entry::Payment(versions) = &mut entry.payload {
            versions.sort_by_key(|version| Reverse(version.event.payment().version));
            // A redelivered version is the same event.
            versions.dedup_by_key(|version| version.event.payment().version);
        }
    }
    entries
}

/// Decodes a record. Its lane is the order id, or the key if the record is undecodable.
fn decode(record: HubRecord) -> HubEntry {
    let identifier = record.position();
    let (kind, reason) = match record.event_data().map(PaymentEvent::decode) {
        Ok(Ok(event)) => {
            let key = event.partition_key().to_owned();
            let version = Version { event, record: Arc::new(record) };
            return Record { key, identifier, payload: Entry::Payment(vec![version]) };
        }
        Ok(Err(error)) => (kind_of(&error), Reason::new(&error.to_string())),
        Err(NoData { kind, reason }) => (kind, Reason::new(reason)),
    };
    let key = record.key().into_owned();
    Record { key, identifier, payload: Entry::Undecodable(Undecodable { record, kind, reason }) }
}

/// Returns the record as it is quarantined, under its own id.
pub(crate) fn quarantined(record: &HubRecord, reason: Reason) -> QuarantinedRecord {
    quarantined_as(record.id(), record, reason)
}

/// Returns the record as it is quarantined because its order cannot be settled. There is one for each order.
pub(crate) fn unsettled(order_id: &OrderId, record: &HubRecord, reason: Reason) -> QuarantinedRecord {
    quarantined_as(RecordId::new(RecordId::SETTLEMENT, order_id.as_str()), record, reason)
}

fn quarantined_as(id: RecordId, record: &HubRecord, reason: Reason) -> QuarantinedRecord {
    let now = Timestamp::now();
    let arrived_at = record.arrived_at_unix_ms().and_then(|unix_ms| Timestamp::from_unix_ms(unix_ms).ok());
    QuarantinedRecord {
        id,
        reason,
        arrived_at: arrived_at.unwrap_or(now),
        partition_key: record.key().into_owned(),
        data: record.raw().to_vec(),
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
