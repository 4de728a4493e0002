//! Kafka: all partitions of a topic, each from an offset of this subscriber.
//!
//! `rskafka` has no consumer groups, and this subscriber needs none: its offsets are in its state, and one process reads
//! all partitions. A client with groups (librdkafka, the Java client) stores the offsets on the brokers under a group id,
//! and shares the partitions among the processes of the group. Such a subscriber needs **a group id of its own**: with
//! that of Orders (`KafkaConsumerGroup`) it would take partitions away from Orders.
//!
//! Plaintext and without credentials; `crates/payments-kafka/src/session.rs` shows TLS, SASL/SCRAM and IAM. The topic
//! must be written without transactions, as Payments does: `rskafka` leaves aborted records to its caller.

use std::collections::BTreeMap;
use std::time::Duration;

use rskafka::BackoffConfig;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};

use crate::source::{Batch, BoxError, Positions, Record, Source};

/// Bytes of a read, at least and below. Kafka returns a larger record alone.
const READ_BYTES: std::ops::Range<i32> = 1..1_000_000;
/// Time that a broker waits for a first record of a partition.
const WAIT_MS: i32 = 100;
/// Limit of retries within a call.
const RETRY_MAX: Duration = Duration::from_secs(10);

pub(crate) struct Kafka {
    client: Client,
    topic: String,
    /// Next offset of each partition, by `TOPIC-PARTITION`.
    positions: Positions,
    partitions: BTreeMap<i32, PartitionClient>,
}

impl Kafka {
    pub(crate) async fn open(broker: &str, topic: &str, positions: Positions) -> Result<Self, BoxError> {
        let backoff = BackoffConfig { deadline: Some(RETRY_MAX), ..BackoffConfig::default() };
        let client = ClientBuilder::new(vec![broker.to_owned()]).client_id("second-subscriber");
        let client = client.backoff_config(backoff).build().await?;
        let mut kafka = Self { client, topic: topic.to_owned(), positions, partitions: BTreeMap::new() };
        kafka.start_partitions().await?;
        Ok(kafka)
    }

    /// Starts to read partitions that were added. Keys move to them, so the ledger may have to park their first versions.
    async fn start_partitions(&mut self) -> Result<(), BoxError> {
        let topics = self.client.list_topics().await?;
        let topic = topics.into_iter().find(|topic| topic.name == self.topic);
        for partition in topic.ok_or_else(|| format!("there is no topic {}", self.topic))?.partitions {
            if !self.partitions.contains_key(&partition) {
                let client = self.client.partition_client(&self.topic, partition, UnknownTopicHandling::Error).await?;
                self.partitions.insert(partition, client);
            }
        }
        Ok(())
    }
}

impl Source for Kafka {
    #[expect(clippy::print_stderr, reason = "the example reports lost records")]
    async fn next(&mut self) -> Result<Batch, BoxError> {
        let mut batch = Batch { is_latest: true, ..Batch::default() };
        for (partition, client) in &self.partitions {
            let name = format!("{}-{partition}", self.topic);
            let offset = match self.positions.get(&name) {
                Some(offset) => offset.parse()?,
                None => client.get_offset(OffsetAt::Earliest).await?,
            };
            let (records, end) = match client.fetch_records(offset, READ_BYTES, WAIT_MS).await {
                Ok(read) => read,
                // The records expired, or the topic was created again. The ledger ignores what it knows.
                Err(Error::ServerError { protocol_error: ProtocolError::OffsetOutOfRange, .. }) => {
                    eprintln!("warning: {name} has no offset {offset}; records may be lost; starting from the oldest");
                    self.positions.remove(&name);
                    batch.is_latest = false;
                    continue;
                }
                Err(error) => return Err(format!("{name}: {error}").into()),
            };
            let next = records.last().map_or(offset, |last| last.offset + 1);
            batch.is_latest &= next >= end;
            self.positions.insert(name.clone(), next.to_string());
            batch.records.extend(records.into_iter().map(|read| Record {
                place: format!("{name}/{}", read.offset),
                data: read.record.value.unwrap_or_default(),
            }));
        }
        if batch.is_latest {
            let known = self.partitions.len();
            self.start_partitions().await?;
            batch.is_latest = self.partitions.len() == known;
        }
        batch.positions = Some(self.positions.clone());
        Ok(batch)
    }

    async fn confirm(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
}
