//! The records of one call of the publisher, and what has become of each.

use std::collections::{BTreeMap, HashSet};

use payment_events::{PaymentEvent, PaymentId};
use payments::PublishError;
use rskafka::record::Record;

use crate::message::{KafkaMessage, RecordPosition};
use crate::partition::partition_of;

/// Maximum number of records sent in one request.
const RECORDS_MAX: usize = 500;
/// Maximum size of the records of one request. A record above it is sent alone. Below half of Kafka's default limit for a
/// batch, so that a batch is only too large if a record is.
const BYTES_MAX: usize = 512 * 1024;
/// Bytes that a record adds to its key and value, at most: lengths and timestamps.
const OVERHEAD_BYTES: usize = 128;

/// Records to send, in order.
pub(crate) struct Batch<'e>(Vec<Entry<'e>>);

struct Entry<'e> {
    message: KafkaMessage,
    /// Payment of an event. None of its events is sent after one that was rejected.
    payment_id: Option<&'e PaymentId>,
    outcome: Outcome,
}

/// Outcome of a record.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// To be sent.
    Waiting,
    /// On the hub.
    Acknowledged(RecordPosition),
    /// Can never be accepted, and why.
    Rejected(String),
    /// Not sent, because an earlier event of its payment was rejected.
    Skipped,
}

/// Records of one partition, in order, each by its index in the batch.
pub(crate) struct Lane {
    pub(crate) partition: usize,
    pub(crate) places: Vec<usize>,
}

impl<'e> Batch<'e> {
    pub(crate) fn of_events(events: &'e [PaymentEvent]) -> Self {
        let entry = |event: &'e PaymentEvent| Entry {
            message: KafkaMessage::of_event(event),
            payment_id: Some(&event.payment().payment_id),
            outcome: Outcome::Waiting,
        };
        Self(events.iter().map(entry).collect())
    }

    /// A batch of records that do not depend on each other.
    pub(crate) fn of_messages(messages: Vec<KafkaMessage>) -> Self {
        let entry = |message| Entry { message, payment_id: None, outcome: Outcome::Waiting };
        Self(messages.into_iter().map(entry).collect())
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.0.iter().all(|entry| entry.outcome != Outcome::Waiting)
    }

    pub(crate) fn acknowledge(&mut self, records: Vec<(usize, RecordPosition)>) {
        for (place, position) in records {
            if let Some(entry) = self.0.get_mut(place) {
                entry.outcome = Outcome::Acknowledged(position);
            }
        }
    }

    /// Rejects a record. The later events of its payment are skipped.
    pub(crate) fn reject(&mut self, place: usize, cause: String) {
        let Some(entry) = self.0.get_mut(place) else { return };
        entry.outcome = Outcome::Rejected(cause);
        let Some(payment_id) = entry.payment_id else { return };
        let later = place.saturating_add(1)..;
        for entry in self.0.get_mut(later).unwrap_or_default() {
            if entry.payment_id == Some(payment_id) {
                entry.outcome = Outcome::Skipped;
            }
        }
    }

    /// Groups the records that wait by partition. Those without a key are in the partition of an empty one.
    pub(crate) fn lanes(&self, partitions: usize) -> Vec<Lane> {
        let mut lanes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, entry) in self.0.iter().enumerate() {
            if entry.outcome == Outcome::Waiting {
                let partition = partition_of(entry.message.key.as_deref().unwrap_or_default(), partitions);
                lanes.entry(partition).or_default().push(place);
            }
        }
        lanes.into_iter().map(|(partition, places)| Lane { partition, places }).collect()
    }

    /// Splits a lane into requests.
    pub(crate) fn requests(&self, lane: &Lane) -> Vec<Vec<usize>> {
        let (mut requests, mut bytes): (Vec<Vec<usize>>, usize) = (Vec::new(), 0);
        for &place in &lane.places {
            let record_bytes = self.0.get(place).map_or(0, Entry::bytes);
            bytes = bytes.saturating_add(record_bytes);
            match requests.last_mut() {
                Some(request) if request.len() < RECORDS_MAX && bytes <= BYTES_MAX => request.push(place),
                _ => {
                    bytes = record_bytes;
                    requests.push(vec![place]);
                }
            }
        }
        requests
    }

    /// Returns these records, with a timestamp in milliseconds since the Unix epoch.
    pub(crate) fn records(&self, places: &[usize], timestamp_ms: i64) -> Vec<Record> {
        let messages = places.iter().filter_map(|place| self.0.get(*place)).map(|entry| &entry.message);
        messages.map(|message| message.record(timestamp_ms)).collect()
    }

    /// Returns these records without the events of the payments that `rejected` has an event of.
    pub(crate) fn without_payments_of(&self, places: Vec<usize>, rejected: &[usize]) -> Vec<usize> {
        let payment_id = |place: &usize| self.0.get(*place).and_then(|entry| entry.payment_id);
        let rejected: HashSet<_> = rejected.iter().filter_map(payment_id).collect();
        places.into_iter().filter(|place| payment_id(place).is_none_or(|id| !rejected.contains(id))).collect()
    }

    /// Returns one result per record, with its position. `error` is the cause of those that still wait.
    pub(crate) fn into_results(self, error: &str) -> Vec<Result<RecordPosition, PublishError>> {
        let result = |entry: Entry<'_>| match entry.outcome {
            Outcome::Acknowledged(position) => Ok(position),
            Outcome::Rejected(cause) => Err(PublishError::Rejected(cause.into())),
            Outcome::Skipped => Err(PublishError::Failed("an earlier version was rejected".into())),
            Outcome::Waiting => Err(PublishError::Failed(error.into())),
        };
        self.0.into_iter().map(result).collect()
    }
}

impl Entry<'_> {
    fn bytes(&self) -> usize {
        self.message.bytes().saturating_add(OVERHEAD_BYTES)
    }
}
