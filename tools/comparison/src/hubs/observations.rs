//! Facts from the invocations of an environment: versions published by the relay, and deliveries to the consumer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use payment_events::{PaymentEvent, PaymentId};
use paystream_local::{Invocation, InvocationObserver};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stream_batch::{DynamoDbEvent, HubEvent, HubPosition, ItemIdentifier, KafkaValue, RabbitMqData};

use super::system::CONSUMER;

/// Begin of the logical ids of all relays.
const RELAYS: &str = "PaymentRelay";

/// A version of a payment.
pub(super) type Version = (PaymentId, u64);

/// Observed invocations of one environment. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Observations(Arc<Mutex<Facts>>);

#[derive(Debug, Default)]
struct Facts {
    /// End of the first invocation of the relay that published a version, in Unix milliseconds.
    published: BTreeMap<Version, i64>,
    /// Batches that the consumer received.
    batches: Vec<Batch>,
}

#[derive(Debug)]
struct Batch {
    started_ms: i64,
    /// Each version, and true if the consumer handled it.
    versions: Vec<(Version, bool)>,
}

/// Deliveries to the consumer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliveries {
    /// Events delivered, in all invocations.
    pub events: u64,
    /// Of these, events that had been delivered before.
    pub repeated: u64,
    /// Versions that the consumer first received after a later version of their payment. Guarantee 8 allows none.
    pub out_of_order: u64,
    /// Versions that the consumer first handled after a later version of their payment: their first delivery failed, and
    /// the later version came before the redelivery.
    pub overtaken: u64,
}

impl std::ops::AddAssign for Deliveries {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.repeated += other.repeated;
        self.out_of_order += other.out_of_order;
        self.overtaken += other.overtaken;
    }
}

impl Observations {
    /// Returns an observer that adds the invocations of an environment.
    pub fn observer(&self) -> InvocationObserver {
        let observations = self.clone();
        InvocationObserver::new(move |invocation| observations.add(&invocation))
    }

    /// Adds an invocation. Ignores functions other than the relays and the consumer, and events that it cannot read.
    pub fn add(&self, invocation: &Invocation) {
        if invocation.function == CONSUMER {
            self.0.lock().batches.extend(batch(invocation));
        } else if invocation.function.starts_with(RELAYS) {
            let ended_ms = unix_ms(invocation.ended);
            let published = &mut self.0.lock().published;
            for version in published_by(invocation) {
                published.entry(version).or_insert(ended_ms);
            }
        }
    }

    /// Returns the time at which each of these versions was published, if the relay published it. The end of the relay's
    /// invocation is an upper bound: it may have published others after this one.
    pub(super) fn published_ms(&self, version: &Version) -> Option<i64> {
        // The image of a later version also publishes the earlier ones.
        let facts = self.0.lock();
        let (payment_id, from) = version;
        let later = facts.published.range((payment_id.clone(), *from)..=(payment_id.clone(), u64::MAX));
        later.map(|(_, published_ms)| *published_ms).min()
    }

    /// Returns the time at which the consumer first received each version.
    pub(super) fn first_delivered_ms(&self) -> BTreeMap<Version, i64> {
        let mut first = BTreeMap::new();
        for batch in &self.0.lock().batches {
            for (version, _) in &batch.versions {
                let known = first.entry(version.clone()).or_insert(batch.started_ms);
                *known = batch.started_ms.min(*known);
            }
        }
        first
    }

    /// Returns the versions that the consumer handled.
    pub(super) fn handled(&self) -> BTreeSet<Version> {
        let facts = self.0.lock();
        let versions = facts.batches.iter().flat_map(|batch| &batch.versions);
        versions.filter(|(_, is_handled)| *is_handled).map(|(version, _)| version.clone()).collect()
    }

    /// Counts the deliveries of these payments.
    pub fn deliveries(&self, payments: &BTreeSet<PaymentId>) -> Deliveries {
        let mut facts = self.0.lock();
        facts.batches.sort_by_key(|batch| batch.started_ms);
        let mut deliveries = Deliveries::default();
        let (mut received, mut handled, mut out_of_order) = (Firsts::default(), Firsts::default(), BTreeSet::new());
        let versions = facts.batches.iter().flat_map(|batch| &batch.versions);
        for (version, is_handled) in versions.filter(|((payment_id, _), _)| payments.contains(payment_id)) {
            deliveries.events += 1;
            match received.add(version) {
                First::No => deliveries.repeated += 1,
                First::InOrder => {}
                First::AfterLater => {
                    deliveries.out_of_order += 1;
                    out_of_order.insert(version);
                }
            }
            let is_late = *is_handled && handled.add(version) == First::AfterLater;
            deliveries.overtaken += u64::from(is_late && !out_of_order.contains(version));
        }
        deliveries
    }
}

/// Versions seen, and the highest of each payment.
#[derive(Default)]
struct Firsts<'v> {
    seen: BTreeSet<&'v Version>,
    highest: BTreeMap<&'v PaymentId, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    /// The version was seen before.
    No,
    InOrder,
    /// A later version was seen before.
    AfterLater,
}

impl<'v> Firsts<'v> {
    fn add(&mut self, version: &'v Version) -> First {
        if !self.seen.insert(version) {
            return First::No;
        }
        let highest = self.highest.entry(&version.0).or_default();
        let is_after_later = version.1 < *highest;
        *highest = version.1.max(*highest);
        if is_after_later { First::AfterLater } else { First::InOrder }
    }
}

/// Reads a batch of the consumer. A record that was reported as failed, and every later one of the same shard or
/// partition, comes again: it does not count as handled.
fn batch(invocation: &Invocation) -> Option<Batch> {
    let event: HubEvent = serde_json::from_slice(&invocation.event).ok()?;
    let reported = reported(invocation);
    let mut stopped: Vec<HubPosition> = Vec::new();
    let mut versions = Vec::new();
    for (position, data) in records(event) {
        if reported.contains(&serde_json::to_value(&position).ok()?) {
            stopped.push(position.clone());
        }
        let Ok(payment) = PaymentEvent::decode(&data).map(PaymentEvent::into_payment) else { continue };
        let comes_again = stopped.iter().any(|stopped| stopped.shares_checkpoint_with(&position));
        versions.push(((payment.payment_id, payment.version), invocation.response.is_some() && !comes_again));
    }
    Some(Batch { started_ms: unix_ms(invocation.started), versions })
}

fn records(event: HubEvent) -> Vec<(HubPosition, Vec<u8>)> {
    match event {
        HubEvent::Kinesis(event) => {
            let records = event.records.into_iter();
            records.map(|record| (HubPosition::Kinesis(record.sequence_number), record.data)).collect()
        }
        HubEvent::Kafka(event) => {
            let records = event.records.into_iter().filter_map(|record| match record.value {
                KafkaValue::Data(data) => Some((HubPosition::Kafka(record.position), data)),
                KafkaValue::Tombstone | KafkaValue::NotBase64(_) => None,
            });
            records.collect()
        }
        HubEvent::RabbitMq(event) => {
            let messages = event.messages.into_iter().filter_map(|message| match message.data {
                RabbitMqData::Body(data) => Some((HubPosition::RabbitMq(stream_batch::UnreportableMessage), data)),
                RabbitMqData::NotBase64(_) => None,
            });
            messages.collect()
        }
    }
}

/// Reads the versions whose images a successful invocation of a relay did not report as failed.
fn published_by(invocation: &Invocation) -> Vec<Version> {
    let reported = reported(invocation);
    let Ok(event) = serde_json::from_slice::<DynamoDbEvent<Value>>(&invocation.event) else { return Vec::new() };
    if invocation.response.is_none() {
        return Vec::new();
    }
    let records = event.records.into_iter().filter(|record| !reported.contains(&record.sequence_number.clone().into()));
    let versions = records.filter_map(|record| {
        let image = record.new_image?;
        let version: u64 = image["version"]["N"].as_str()?.parse().ok()?;
        Some((image["payment_id"]["S"].as_str()?.parse().ok()?, version))
    });
    versions.filter(|(_, version)| *version > 0).collect()
}

/// Identifiers in the partial batch response.
fn reported(invocation: &Invocation) -> Vec<Value> {
    let response = invocation.response.as_deref().and_then(|response| serde_json::from_slice::<Value>(response).ok());
    let failures = response.as_ref().and_then(|response| response["batchItemFailures"].as_array());
    failures.into_iter().flatten().map(|failure| failure["itemIdentifier"].clone()).collect()
}

fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
