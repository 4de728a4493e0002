//! Writing of records, and adding partitions: as another producer, or the operator of a cluster, would.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiKey, CreatePartitionsRequest, CreatePartitionsResponse, ProduceRequest, ProduceResponse,
};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record, RecordBatchEncoder,
    RecordEncodeOptions, TimestampType,
};
use payments_kafka::partition_of;
use paystream_local::{KafkaCluster, KafkaError};

use super::connection::Api;
use super::{KafkaClient, check, topic_name};

const PRODUCE: Api = Api { key: ApiKey::Produce, version: 7 };
const CREATE_PARTITIONS: Api = Api { key: ApiKey::CreatePartitions, version: 1 };

/// All replicas in sync.
const ACKS_ALL: i16 = -1;
/// Time that the broker may take for a request.
const BROKER_TIMEOUT_MS: i32 = 4_000;

impl KafkaClient {
    /// Writes a record to the partition of its key, as Java's clients choose it. Returns when all replicas have it.
    pub async fn write(&self, topic: &str, key: &[u8], value: &[u8]) -> Result<(), KafkaError> {
        let found = self.topic(topic).await?;
        let partitions = found.ok_or_else(|| KafkaError(format!("topic {topic} does not exist")))?.partitions.len();
        let partition = i32::try_from(partition_of(key, partitions)).unwrap_or_default();
        let data = PartitionProduceData::default().with_index(partition).with_records(Some(batch(key, value)?));
        let data = TopicProduceData::default().with_name(topic_name(topic)).with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_acks(ACKS_ALL)
            .with_timeout_ms(BROKER_TIMEOUT_MS)
            .with_topic_data(vec![data]);
        let leader = self.leader(topic, partition).await?;
        let response: ProduceResponse = leader.call(PRODUCE, &request, Duration::ZERO).await?;
        let written = response.responses.first().and_then(|topic| topic.partition_responses.first());
        let code = written.map(|partition| partition.error_code);
        let code = code.ok_or_else(|| KafkaError(format!("no result for the record of topic {topic}")))?;
        check(&format!("record of topic {topic}"), code)
    }

    /// Adds partitions to a topic, up to `count`. Keys move to other partitions. Returns when all have a leader.
    pub async fn add_partitions(&self, topic: &str, count: i32) -> Result<(), KafkaError> {
        let added = CreatePartitionsTopic::default().with_name(topic_name(topic)).with_count(count);
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![added.with_assignments(None)])
            .with_timeout_ms(BROKER_TIMEOUT_MS);
        let response: CreatePartitionsResponse =
            self.bootstrap.call(CREATE_PARTITIONS, &request, Duration::ZERO).await?;
        check(&format!("partitions of topic {topic}"), response.results.first().map_or(0, |result| result.error_code))?;
        self.wait_for_leaders(topic, count).await
    }
}

/// Returns a batch of one record, with the time of this machine.
fn batch(key: &[u8], value: &[u8]) -> Result<Bytes, KafkaError> {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: NO_SEQUENCE,
        timestamp: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
        key: Some(Bytes::copy_from_slice(key)),
        value: Some(Bytes::copy_from_slice(value)),
        headers: kafka_protocol::indexmap::IndexMap::new(),
    };
    let mut records = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut records, [&record], &options).map_err(|error| KafkaError(error.to_string()))?;
    Ok(records.freeze())
}
