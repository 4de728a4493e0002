//! Requests of Kafka's protocol that `rskafka` does not have: partitions, topic settings and transactions.

use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, ApiKey, CreatePartitionsRequest, CreatePartitionsResponse,
    CreateTopicsRequest, CreateTopicsResponse, EndTxnRequest, EndTxnResponse, FindCoordinatorRequest,
    FindCoordinatorResponse, InitProducerIdRequest, InitProducerIdResponse, ProduceRequest, ProduceResponse,
    ProducerId, RequestHeader, ResponseHeader, TopicName, TransactionalId,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{PATIENCE, POLL};

const TIMEOUT_MS: i32 = 10_000;
/// The broker aborts a transaction that is open for longer. It is Kafka's maximum, so that no busy machine meets it.
const TRANSACTION_TIMEOUT_MS: i32 = 900_000;

/// Sends one request on a connection of its own.
async fn call<Q, A>(address: &str, key: ApiKey, version: i16, request: &Q) -> A
where
    Q: Encodable + HeaderVersion,
    A: Decodable + HeaderVersion,
{
    let mut body = BytesMut::new();
    let header = RequestHeader::default().with_request_api_key(key as i16).with_request_api_version(version);
    header.encode(&mut body, Q::header_version(version)).unwrap();
    request.encode(&mut body, version).unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_i32(body.len().try_into().unwrap()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    let mut response = vec![0; stream.read_i32().await.unwrap().try_into().unwrap()];
    stream.read_exact(&mut response).await.unwrap();
    let mut response = Bytes::from(response);
    ResponseHeader::decode(&mut response, A::header_version(version)).unwrap();
    let answer = A::decode(&mut response, version).unwrap();
    assert!(!response.has_remaining());
    answer
}

/// Repeats a request until its error code is 0. A broker rejects requests on a topic that it does not know yet, and while the
/// previous transaction of the producer ends.
async fn until_accepted<T>(request: impl AsyncFn() -> (i16, T)) -> T {
    let started = Instant::now();
    loop {
        let (code, answer) = request().await;
        if code == 0 {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "error code {code}");
        tokio::time::sleep(POLL).await;
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Creates a topic of one partition that accepts records of this size.
pub(super) async fn create_for_large_records(address: &str, topic: &str, bytes_max: usize) {
    let setting = CreatableTopicConfig::default().with_name(text("max.message.bytes"));
    let setting = setting.with_value(Some(text(&bytes_max.to_string())));
    let topic = CreatableTopic::default().with_name(TopicName(text(topic))).with_num_partitions(1);
    let topic = topic.with_replication_factor(1).with_configs(vec![setting]);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
    let answer: CreateTopicsResponse = call(address, ApiKey::CreateTopics, 5, &request).await;
    assert_eq!(answer.topics[0].error_code, 0);
}

/// Adds partitions to a topic, up to `count`.
pub(super) async fn add_partitions(address: &str, topic: &str, count: i32) {
    let topic = CreatePartitionsTopic::default().with_name(TopicName(text(topic))).with_count(count);
    let topic = topic.with_assignments(None);
    let request = CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
    let answer: CreatePartitionsResponse = call(address, ApiKey::CreatePartitions, 1, &request).await;
    assert_eq!(answer.results[0].error_code, 0);
}

/// End of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Commit,
    Abort,
}

/// A transactional producer, with one open transaction at a time.
pub(super) struct Transaction {
    address: String,
    topic: String,
    id: TransactionalId,
    producer: ProducerId,
    epoch: i16,
    sequence: i32,
}

impl Transaction {
    /// Begins a transaction that writes to partition 0.
    pub(super) async fn begin(address: &str, topic: &str) -> Self {
        let id = TransactionalId(text(&format!("{topic}-producer")));
        let find = FindCoordinatorRequest::default().with_key(id.0.clone()).with_key_type(1);
        // The first request creates the coordinator's own topic.
        until_accepted(async || {
            let found: FindCoordinatorResponse = call(address, ApiKey::FindCoordinator, 2, &find).await;
            (found.error_code, ())
        })
        .await;
        let init = InitProducerIdRequest::default().with_transactional_id(Some(id.clone()));
        let init = init.with_transaction_timeout_ms(TRANSACTION_TIMEOUT_MS);
        let (producer, epoch) = until_accepted(async || {
            let answer: InitProducerIdResponse = call(address, ApiKey::InitProducerId, 1, &init).await;
            (answer.error_code, (answer.producer_id, answer.producer_epoch))
        })
        .await;
        let partitions = AddPartitionsToTxnTopic::default().with_name(TopicName(text(topic)));
        let add = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(id.clone())
            .with_v3_and_below_producer_id(producer)
            .with_v3_and_below_producer_epoch(epoch)
            .with_v3_and_below_topics(vec![partitions.with_partitions(vec![0])]);
        until_accepted(async || {
            let added: AddPartitionsToTxnResponse = call(address, ApiKey::AddPartitionsToTxn, 1, &add).await;
            let results = &added.results_by_topic_v3_and_below[0].results_by_partition;
            (results[0].partition_error_code, ())
        })
        .await;
        Self { address: address.to_owned(), topic: topic.to_owned(), id, producer, epoch, sequence: 0 }
    }

    /// Writes a record.
    pub(super) async fn write(&mut self, number: i64) {
        let value = serde_json::json!({"n": number, "do": "ok"}).to_string();
        let record = Record {
            transactional: true,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: 0,
            producer_id: self.producer.0,
            producer_epoch: self.epoch,
            timestamp_type: TimestampType::Creation,
            offset: 0,
            sequence: self.sequence,
            timestamp: 1_700_000_000_000,
            key: None,
            value: Some(value.into()),
            headers: kafka_protocol::indexmap::IndexMap::new(),
        };
        self.sequence += 1;
        let mut records = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut records, [&record], &options).unwrap();
        let data = PartitionProduceData::default().with_index(0).with_records(Some(records.freeze()));
        let topic = TopicProduceData::default().with_name(TopicName(text(&self.topic)));
        let request = ProduceRequest::default()
            .with_transactional_id(Some(self.id.clone()))
            .with_acks(-1)
            .with_timeout_ms(TIMEOUT_MS)
            .with_topic_data(vec![topic.with_partition_data(vec![data])]);
        until_accepted(async || {
            let produced: ProduceResponse = call(&self.address, ApiKey::Produce, 7, &request).await;
            (produced.responses[0].partition_responses[0].error_code, ())
        })
        .await;
    }

    pub(super) async fn end(self, ending: Ending) {
        let request = EndTxnRequest::default()
            .with_transactional_id(self.id)
            .with_producer_id(self.producer)
            .with_producer_epoch(self.epoch)
            .with_committed(ending == Ending::Commit);
        until_accepted(async || {
            let ended: EndTxnResponse = call(&self.address, ApiKey::EndTxn, 1, &request).await;
            (ended.error_code, ())
        })
        .await;
    }
}
