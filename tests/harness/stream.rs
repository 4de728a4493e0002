//! Direct access to the hub: writing records, and reading events as any consumer would. The hub is the payment stream,
//! or a broker's topic or exchange.

use std::collections::BTreeMap;

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ShardIteratorType};
use paystream_local::Environment;
use serde_json::Value;

use crate::Paystream;

impl Paystream {
    /// Puts one record on the payment stream.
    ///
    /// # Panics
    /// If it is rejected.
    pub async fn put_on_stream(&self, partition_key: &str, data: &[u8]) {
        self.put_all_on_stream(partition_key, &[data.to_vec()]).await;
    }

    /// Puts records on the payment stream in one call, under one partition key.
    ///
    /// # Panics
    /// If a record is rejected.
    pub async fn put_all_on_stream(&self, partition_key: &str, records: &[Vec<u8>]) {
        self.put_keyed_on_stream(records.iter().map(|data| (partition_key.to_owned(), data.clone())).collect()).await;
    }

    /// Puts records on the payment stream in one call, each under its own partition key.
    ///
    /// # Panics
    /// If a record is rejected.
    pub async fn put_keyed_on_stream(&self, records: Vec<(String, Vec<u8>)>) {
        if let Some(broker) = self.broker() {
            return broker.write(records).await;
        }
        let entries = records.into_iter().map(|(partition_key, data)| {
            let entry = PutRecordsRequestEntry::builder().partition_key(partition_key).data(Blob::new(data));
            entry.build().unwrap_or_else(|error| panic!("{error}"))
        });
        let put = self.kinesis().put_records();
        let put = put.stream_name(self.physical_name("PaymentStream"));
        let put = put.set_records(Some(entries.collect())).send().await;
        let put = put.unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(put.failed_record_count(), Some(0), "no record is rejected");
    }

    /// Waits until the payment stream has at least `count` events, and returns all, in order within each shard.
    ///
    /// # Panics
    /// If fewer arrive in time, or a record is not JSON.
    pub async fn events_on_stream(&self, count: usize) -> Vec<Value> {
        Self::eventually(&format!("{count} events are on the stream"), async || {
            let events = self.stream_events().await;
            (events.len() >= count).then_some(events)
        })
        .await
    }

    fn kinesis(&self) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::new(&self.sdk(Environment::kinesis_url))
    }

    /// Returns all events on the payment stream, in order within each shard.
    ///
    /// # Panics
    /// If the stream cannot be read, or a record is not JSON.
    pub async fn stream_events(&self) -> Vec<Value> {
        if let Some(broker) = self.broker() {
            return broker.events().await;
        }
        let kinesis = self.kinesis();
        let stream = self.environment().physical_name("PaymentStream").unwrap_or_else(|| panic!("no payment stream"));
        let shards = kinesis.list_shards().stream_name(stream).send().await.unwrap_or_else(|error| panic!("{error:?}"));
        let mut events = Vec::new();
        for shard in shards.shards() {
            let iterator = kinesis.get_shard_iterator().stream_name(stream).shard_id(shard.shard_id());
            let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await;
            let iterator = iterator.unwrap_or_else(|error| panic!("{error:?}"));
            let mut next = iterator.shard_iterator;
            while let Some(iterator) = next {
                let records = kinesis.get_records().shard_iterator(iterator).send().await;
                let records = records.unwrap_or_else(|error| panic!("{error:?}"));
                next = records.next_shard_iterator.filter(|_| !records.records.is_empty());
                events.extend(records.records.iter().map(|record| {
                    serde_json::from_slice::<Value>(record.data().as_ref()).unwrap_or_else(|error| panic!("{error}"))
                }));
            }
        }
        events
    }

    /// Waits until every version of every payment is on the stream, and checks that each payment's versions first
    /// appeared in order. Reads the raw stream and the raw table. Returns the number of events, duplicates included.
    ///
    /// # Panics
    /// If a version is missing after the wait, or the order is another one.
    pub async fn every_version_is_published_in_order(&self) -> usize {
        let expected: BTreeMap<_, Vec<_>> =
            self.payment_versions().await.into_iter().map(|(id, version)| (id, (1..=version).collect())).collect();
        Self::eventually("every version of every payment is on the stream", async || {
            let events = self.stream_events().await;
            let appeared = first_appearances(&events);
            for (payment_id, versions) in &appeared {
                let expected = expected.get(payment_id).map_or(&[][..], Vec::as_slice);
                assert!(expected.starts_with(versions), "{payment_id}: {versions:?} are on the stream, in this order");
            }
            (appeared == expected).then_some(events.len())
        })
        .await
    }
}

/// Returns the versions of each payment in the order in which they first appear.
///
/// # Panics
/// If an event is not that of a payment.
pub fn first_appearances(events: &[Value]) -> BTreeMap<String, Vec<u64>> {
    let mut appeared: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for event in events {
        let payment = &event["data"];
        let (id, version) = (payment["payment_id"].as_str(), payment["version"].as_u64());
        let (Some(id), Some(version)) = (id, version) else { panic!("no payment: {event}") };
        let versions = appeared.entry(id.to_owned()).or_default();
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    appeared
}
