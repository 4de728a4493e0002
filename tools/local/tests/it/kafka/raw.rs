//! Requests of Kafka's protocol that `rskafka` does not have: partitions, topic settings and transactions.

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
        loop {
            let found: FindCoordinatorResponse = call(address, ApiKey::FindCoordinator, 2, &find).await;
            // The coordinator's own topic is created by the first request.
            if found.error_code == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let init = InitProducerIdRequest::default().with_transactional_id(Some(id.clone()));
        let init = init.with_transaction_timeout_ms(TRANSACTION_TIMEOUT_MS);
        let initialised = loop {
            let answer: InitProducerIdResponse = call(address, ApiKey::InitProducerId, 1, &init).await;
            if answer.error_code == 0 {
                break answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        };
        let (producer, epoch) = (initialised.producer_id, initialised.producer_epoch);
        let (address, topic) = (address.to_owned(), topic.to_owned());
        let transaction = Self { address, topic, id, producer, epoch, sequence: 0 };
        let partitions = AddPartitionsToTxnTopic::default().with_name(TopicName(text(&transaction.topic)));
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(transaction.id.clone())
            .with_v3_and_below_producer_id(producer)
            .with_v3_and_below_producer_epoch(epoch)
            .with_v3_and_below_topics(vec![partitions.with_partitions(vec![0])]);
        let added: AddPartitionsToTxnResponse =
            call(&transaction.address, ApiKey::AddPartitionsToTxn, 1, &request).await;
        let code = added.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code;
        assert_eq!(code, 0);
        transaction
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
        let produced: ProduceResponse = call(&self.address, ApiKey::Produce, 7, &request).await;
        assert_eq!(produced.responses[0].partition_responses[0].error_code, 0);
    }

    pub(super) async fn end(self, ending: Ending) {
        let request = EndTxnRequest::default()
            .with_transactional_id(self.id)
            .with_producer_id(self.producer)
            .with_producer_epoch(self.epoch)
            .with_committed(ending == Ending::Commit);
        let ended: EndTxnResponse = call(&self.address, ApiKey::EndTxn, 1, &request).await;
        assert_eq!(ended.error_code, 0);
    }
}
