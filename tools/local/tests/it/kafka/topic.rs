//! A topic of the broker in `PAYSTREAM_KAFKA`, and environments that read it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use paystream_hubs::connect;
use paystream_local::{HubKind, KafkaSimulation, Options};
use rskafka::chrono::DateTime;
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use serde_json::json;
use tempfile::TempDir;

use super::raw;
use crate::harness::{PATIENCE, POLL, Probe, options};

/// Mapping that reads the topic.
pub(super) const MAPPING: &str = "ReceivingTopic";
const TIMEOUT_MS: i32 = 10_000;

pub(super) struct TestTopic {
    pub(super) name: String,
    pub(super) address: String,
    client: Arc<Client>,
}

/// Returns the address of the broker. Without one, says so and returns `None`: the test is skipped.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn broker() -> Option<String> {
    let address = std::env::var("PAYSTREAM_KAFKA").ok();
    if address.is_none() {
        eprintln!("skipped: PAYSTREAM_KAFKA is not set; hubs/host/kafka start sets it");
    }
    address
}

impl TestTopic {
    /// Creates a topic with a random name; `None` without a broker.
    pub(super) async fn create(partitions: i32) -> Option<Self> {
        let topic = Self::named().await?;
        topic.create_again(partitions).await;
        Some(topic)
    }

    /// Returns a topic that does not exist yet.
    pub(super) async fn named() -> Option<Self> {
        let address = broker()?;
        let client = ClientBuilder::new(vec![address.clone()]).build().await.unwrap();
        let name = format!("probe-{}", uuid::Uuid::new_v4().simple());
        Some(Self { name, address, client: Arc::new(client) })
    }

    /// Creates the topic, after it was deleted.
    pub(super) async fn create_again(&self, partitions: i32) {
        let controller = self.client.controller_client().unwrap();
        controller.create_topic(&self.name, partitions, 1, TIMEOUT_MS).await.unwrap();
        for partition in 0..partitions {
            self.partition(partition).await;
        }
    }

    pub(super) async fn delete(&self) {
        self.client.controller_client().unwrap().delete_topic(&self.name, TIMEOUT_MS).await.unwrap();
    }

    pub(super) async fn add_partitions(&self, count: i32) {
        raw::add_partitions(&self.address, &self.name, count).await;
    }

    /// Returns the client of a partition, which the broker may not know yet. `rskafka` keeps what it knows of a topic, so
    /// each attempt has a client of its own.
    async fn partition(&self, partition: i32) -> PartitionClient {
        let known = async {
            loop {
                let client = ClientBuilder::new(vec![self.address.clone()]).build().await.unwrap();
                match client.partition_client(&self.name, partition, UnknownTopicHandling::Retry).await {
                    Ok(client) => return client,
                    Err(_) => tokio::time::sleep(POLL).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, known).await.unwrap()
    }

    /// Deletes the records of partition 0 before this offset, as if they had expired.
    pub(super) async fn delete_before(&self, offset: i64) {
        let partition = self.partition(0).await;
        partition.delete_records(offset, TIMEOUT_MS).await.unwrap();
    }

    /// Writes records, `{"n": …, "do": …}`, to a partition in one call.
    pub(super) async fn write(&self, partition: i32, records: &[(i64, &str)]) -> Vec<i64> {
        let record = |(number, action): &(i64, &str)| record_of(json!({"n": number, "do": action}).to_string());
        self.write_records(partition, records.iter().map(record).collect()).await
    }

    pub(super) async fn write_records(&self, partition: i32, records: Vec<Record>) -> Vec<i64> {
        let partition = self.partition(partition).await;
        partition.produce(records, Compression::NoCompression).await.unwrap()
    }

    /// Starts an environment that reads the topic.
    pub(super) async fn probe(&self, parameters: &[(&str, &str)]) -> Probe {
        self.probe_with(tempfile::tempdir().unwrap(), parameters, |options| options).await
    }

    pub(super) async fn probe_simulating(&self, kafka: KafkaSimulation, parameters: &[(&str, &str)]) -> Probe {
        self.probe_with(tempfile::tempdir().unwrap(), parameters, |options| Options { kafka, ..options }).await
    }

    pub(super) async fn probe_with(
        &self,
        directory: TempDir,
        parameters: &[(&str, &str)],
        change: impl Fn(Options) -> Options,
    ) -> Probe {
        let hub = connect(HubKind::Kafka, self.address.parse().unwrap()).await.unwrap();
        let own = [("Hub", "kafka"), ("Topic", self.name.as_str())];
        let options = options(directory.path(), &[&own, parameters].concat());
        Probe::start_in(directory, change(Options { hub: Some(hub), ..options })).await
    }
}

/// Returns a record with this value, now.
pub(super) fn record_of(value: String) -> Record {
    Record {
        key: None,
        value: Some(value.into_bytes()),
        headers: BTreeMap::new(),
        timestamp: DateTime::from_timestamp_millis(now_ms()).unwrap(),
    }
}

/// Returns the time in milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis().try_into().unwrap()
}

/// Returns a record of a time in milliseconds since 1970.
pub(super) fn at(timestamp_ms: i64, number: i64, action: &str) -> Record {
    let timestamp = DateTime::from_timestamp_millis(timestamp_ms).unwrap();
    Record { timestamp, ..record_of(json!({"n": number, "do": action}).to_string()) }
}

impl Probe {
    /// Waits until this many records of the topic have been handled.
    pub(super) async fn received(&self, records: u64) {
        let handled = async || self.event_source(MAPPING).await.records >= records;
        self.eventually("records are handled", handled).await;
    }
}
