//! The events of one call of the publisher, and what has become of each.

use std::collections::{BTreeMap, HashSet};

use payment_events::{PaymentEvent, Timestamp};
use payments::PublishError;
use rskafka::chrono::{DateTime, Utc};
use rskafka::record::Record;

use crate::partition::partition_of;

/// Maximum number of records sent in one request.
const RECORDS_MAX: usize = 500;
/// Maximum size of the records of one request. A record above it is sent alone. Below half of Kafka's default limit for a
/// batch, so that a batch is only too large if a record is.
const BYTES_MAX: usize = 512 * 1024;
/// Bytes that a record adds to its key and value, at most: lengths, timestamps, and the header.
const OVERHEAD_BYTES: usize = 128;

/// Events to send, in order.
pub(crate) struct Batch<'e>(Vec<Entry<'e>>);

struct Entry<'e> {
    event: &'e PaymentEvent,
    value: Vec<u8>,
    outcome: Outcome,
}

/// Outcome of an event.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// To be sent.
    Waiting,
    /// On the hub.
    Acknowledged,
    /// Can never be accepted, and why.
    Rejected(String),
    /// Not sent, because an earlier event of its payment was rejected.
    Skipped,
}

/// Records of one partition, in order, each with the index of its event.
pub(crate) struct Lane {
    pub(crate) partition: usize,
    pub(crate) places: Vec<usize>,
}

impl<'e> Batch<'e> {
    pub(crate) fn new(events: &'e [PaymentEvent]) -> Self {
        let entry = |event: &'e PaymentEvent| Entry { event, value: event.encode(), outcome: Outcome::Waiting };
        Self(events.iter().map(entry).collect())
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.0.iter().all(|entry| entry.outcome != Outcome::Waiting)
    }

    pub(crate) fn acknowledge(&mut self, places: &[usize]) {
        for place in places {
            if let Some(entry) = self.0.get_mut(*place) {
                entry.outcome = Outcome::Acknowledged;
            }
        }
    }

    /// Rejects an event. The later events of its payment are skipped.
    pub(crate) fn reject(&mut self, place: usize, cause: String) {
        let Some(entry) = self.0.get_mut(place) else { return };
        entry.outcome = Outcome::Rejected(cause);
        let payment_id = &entry.event.payment().payment_id;
        let later = place.saturating_add(1)..;
        for entry in self.0.get_mut(later).unwrap_or_default() {
            if entry.event.payment().payment_id == *payment_id {
                entry.outcome = Outcome::Skipped;
            }
        }
    }

    /// Groups the events that wait by partition.
    pub(crate) fn lanes(&self, partitions: usize) -> Vec<Lane> {
        let mut lanes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, entry) in self.0.iter().enumerate() {
            if entry.outcome == Outcome::Waiting {
                let partition = partition_of(entry.event.partition_key().as_bytes(), partitions);
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

    /// Returns the records of these events.
    pub(crate) fn records(&self, places: &[usize]) -> Vec<Record> {
        places.iter().filter_map(|place| self.0.get(*place)).map(Entry::record).collect()
    }

    /// Returns these events without those of the payments that `rejected` has an event of.
    pub(crate) fn without_payments_of(&self, places: Vec<usize>, rejected: &[usize]) -> Vec<usize> {
        let payment_id = |place: &usize| self.0.get(*place).map(|entry| &entry.event.payment().payment_id);
        let rejected: HashSet<_> = rejected.iter().map(payment_id).collect();
        places.into_iter().filter(|place| !rejected.contains(&payment_id(place))).collect()
    }

    /// Returns one result per event. `error` is the cause of those that still wait.
    pub(crate) fn into_results(self, error: &str) -> Vec<Result<(), PublishError>> {
        let result = |entry: Entry<'_>| match entry.outcome {
            Outcome::Acknowledged => Ok(()),
            Outcome::Rejected(cause) => Err(PublishError::Rejected(cause.into())),
            Outcome::Skipped => Err(PublishError::Failed("an earlier version was rejected".into())),
            Outcome::Waiting => Err(PublishError::Failed(error.into())),
        };
        self.0.into_iter().map(result).collect()
    }
}

impl Entry<'_> {
    fn bytes(&self) -> usize {
        self.value.len().saturating_add(self.event.partition_key().len()).saturating_add(OVERHEAD_BYTES)
    }

    /// The event in CloudEvents' structured mode, under its order id.
    ///
    /// Source: <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md>.
    fn record(&self) -> Record {
        Record {
            key: Some(self.event.partition_key().as_bytes().to_vec()),
            value: Some(self.value.clone()),
            headers: [("content-type".to_owned(), b"application/cloudevents+json".to_vec())].into(),
            timestamp: DateTime::<Utc>::from_timestamp_millis(Timestamp::now().unix_ms()).unwrap_or_default(),
        }
    }
}
