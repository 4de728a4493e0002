//! Client of a Kafka cluster.

mod access;
mod connection;
mod records;
mod settings;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    ApiKey, BrokerId, CreateTopicsRequest, CreateTopicsResponse, FetchRequest, FetchResponse, ListOffsetsRequest,
    ListOffsetsResponse, MetadataRequest, MetadataResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use paystream_local::{FetchPosition, FetchedPartition, KafkaCluster, KafkaError, OffsetAt, Topic};
use tokio::sync::Mutex;

pub use access::{KafkaAccess, KafkaSasl};
use connection::{Api, Connection};
pub use settings::{PartitionState, TopicSettings};

/// Versions of the requests. Brokers from 2.8 to 4 have all of them.
const METADATA: Api = Api { key: ApiKey::Metadata, version: 10 };
const CREATE_TOPICS: Api = Api { key: ApiKey::CreateTopics, version: 5 };
const LIST_OFFSETS: Api = Api { key: ApiKey::ListOffsets, version: 5 };
const FETCH: Api = Api { key: ApiKey::Fetch, version: 11 };

/// Reader that is not a broker.
const CONSUMER: BrokerId = BrokerId(-1);
const READ_COMMITTED: i8 = 1;
/// Limits of a fetch: of one partition, and of all partitions of a broker.
const PARTITION_BYTES_MAX: i32 = 1024 * 1024;
const FETCH_BYTES_MAX: i32 = 16 * 1024 * 1024;
const CREATE_TIMEOUT: Duration = Duration::from_secs(4);
/// Bound on the election of leaders. It takes a fraction of a second, and seconds on a busy machine.
const LEADERS_TIMEOUT: Duration = Duration::from_secs(30);
/// Interval at which the leaders of a new topic are looked for.
const LEADER_POLL: Duration = Duration::from_millis(20);

/// Client of a Kafka cluster.
#[derive(Debug)]
pub struct KafkaClient {
    bootstrap: Arc<Connection>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By `HOST:PORT`.
    connections: BTreeMap<String, Arc<Connection>>,
    /// Leader of each partition, by topic.
    leaders: BTreeMap<String, BTreeMap<i32, Arc<Connection>>>,
}

impl KafkaClient {
    /// Creates the client of a cluster that has a broker at this address, `HOST:PORT`, plaintext and without
    /// authentication.
    pub fn new(address: &str) -> Self {
        Self::with_access(address, KafkaAccess::default())
    }

    /// Creates the client of a cluster that has a broker at this address, `HOST:PORT`.
    pub fn with_access(address: &str, access: KafkaAccess) -> Self {
        Self { bootstrap: Arc::new(Connection::new(address.to_owned(), access)), state: Mutex::default() }
    }

    /// Checks that the broker answers.
    pub async fn check(&self) -> Result<(), KafkaError> {
        self.metadata(&[]).await.map(drop)
    }

    /// Creates a topic with this configuration. Succeeds if a topic of the name exists already, which stays as it is.
    pub async fn create_topic_with(
        &self,
        name: &str,
        partitions: i32,
        configuration: &[(&str, &str)],
    ) -> Result<(), KafkaError> {
        let text = |text: &str| StrBytes::from_string(text.to_owned());
        let config = |(name, value): &(&str, &str)| {
            CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
        };
        let topic = CreatableTopic::default()
            .with_name(topic_name(name))
            .with_num_partitions(partitions)
            .with_configs(configuration.iter().map(config).collect())
            // The cluster's default.
            .with_replication_factor(-1);
        let request = CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(i32::try_from(CREATE_TIMEOUT.as_millis()).unwrap_or(i32::MAX));
        let response: CreateTopicsResponse = self.bootstrap.call(CREATE_TOPICS, &request, Duration::ZERO).await?;
        let code = response.topics.first().map_or(0, |topic| topic.error_code);
        // Another program may have created it meanwhile, with other partitions.
        if code == ResponseError::TopicAlreadyExists.code() {
            return self.wait_for_leaders(name, 1).await;
        }
        check(&format!("creation of topic {name}"), code)?;
        self.wait_for_leaders(name, partitions).await
    }

    /// Waits until a topic has this many partitions, or more, and the leader of each answers.
    async fn wait_for_leaders(&self, topic: &str, partitions_min: i32) -> Result<(), KafkaError> {
        let mut reason = String::new();
        let is_led = async {
            while let Err(error) = self.all_have_leaders(topic, partitions_min).await {
                reason = error.to_string();
                tokio::time::sleep(LEADER_POLL).await;
            }
        };
        let waited = tokio::time::timeout(LEADERS_TIMEOUT, is_led).await;
        waited.map_err(|_| KafkaError(format!("topic {topic} is not ready after {LEADERS_TIMEOUT:?}: {reason}")))
    }

    /// Returns the metadata of these topics.
    async fn metadata(&self, topics: &[&str]) -> Result<MetadataResponse, KafkaError> {
        let topic = |name: &&str| MetadataRequestTopic::default().with_name(Some(topic_name(name)));
        let request = MetadataRequest::default()
            .with_topics(Some(topics.iter().map(topic).collect()))
            .with_allow_auto_topic_creation(false);
        self.bootstrap.call(METADATA, &request, Duration::ZERO).await
    }

    /// Notes the leaders of a topic's partitions.
    async fn note_leaders(&self, name: &str, metadata: &MetadataResponse, topic: &MetadataResponseTopic) {
        let mut state = self.state.lock().await;
        let mut leaders = BTreeMap::new();
        for partition in &topic.partitions {
            let broker = metadata.brokers.iter().find(|broker| broker.node_id == partition.leader_id);
            if let Some(broker) = broker {
                let address = format!("{}:{}", broker.host.as_str(), broker.port);
                let connection = state.connections.entry(address.clone());
                let access = self.bootstrap.access().clone();
                let connection = connection.or_insert_with(|| Arc::new(Connection::new(address, access)));
                leaders.insert(partition.partition_index, Arc::clone(connection));
            }
        }
        state.leaders.insert(name.to_owned(), leaders);
    }

    /// Checks that a topic has this many partitions, or more, and the leader of each answers.
    async fn all_have_leaders(&self, name: &str, partitions_min: i32) -> Result<(), KafkaError> {
        let topic = self.topic(name).await?;
        let known = topic.map(|topic| topic.partitions).unwrap_or_default();
        let wanted: BTreeSet<i32> = known.into_iter().chain(0..partitions_min).collect();
        for partition in wanted {
            self.offset(name, partition, OffsetAt::Earliest).await?;
        }
        Ok(())
    }

    /// Returns the leader of a partition, as of the last look at the topic.
    async fn leader(&self, topic: &str, partition: i32) -> Result<Arc<Connection>, KafkaError> {
        let state = self.state.lock().await;
        let leader = state.leaders.get(topic).and_then(|leaders| leaders.get(&partition)).cloned();
        leader.ok_or_else(|| KafkaError(format!("partition {partition} of topic {topic} has no leader")))
    }

    async fn fetch_of(
        leader: Arc<Connection>,
        topic: &str,
        from: &[FetchPosition],
        wait: Duration,
    ) -> Result<Vec<FetchedPartition>, KafkaError> {
        let partition = |position: &FetchPosition| {
            FetchPartition::default()
                .with_partition(position.partition)
                .with_current_leader_epoch(-1)
                .with_fetch_offset(position.offset)
                .with_log_start_offset(-1)
                .with_partition_max_bytes(PARTITION_BYTES_MAX)
        };
        let partitions = from.iter().map(partition).collect();
        let request = FetchRequest::default()
            .with_replica_id(CONSUMER)
            .with_max_wait_ms(i32::try_from(wait.as_millis()).unwrap_or(i32::MAX))
            .with_min_bytes(1)
            .with_max_bytes(FETCH_BYTES_MAX)
            .with_isolation_level(READ_COMMITTED)
            // No fetch session.
            .with_session_epoch(-1)
            .with_topics(vec![FetchTopic::default().with_topic(topic_name(topic)).with_partitions(partitions)]);
        let response: FetchResponse = leader.call(FETCH, &request, wait).await?;
        check("fetch", response.error_code)?;
        let mut fetched = Vec::new();
        for partition in response.responses.into_iter().flat_map(|topic| topic.partitions) {
            let position = from.iter().find(|position| position.partition == partition.partition_index);
            let Some(FetchPosition { partition: number, offset }) = position.copied() else { continue };
            let is_out_of_range = partition.error_code == ResponseError::OffsetOutOfRange.code();
            if !is_out_of_range {
                check(&format!("fetch of partition {number} of topic {topic}"), partition.error_code)?;
            }
            let aborted = partition.aborted_transactions.unwrap_or_default();
            let decoded = records::decode(partition.records.unwrap_or_default(), offset, &aborted);
            let (records, next) = decoded.map_err(|reason| {
                KafkaError(format!("partition {number} of topic {topic}, from offset {offset}: {reason}"))
            })?;
            let end = partition.last_stable_offset;
            fetched.push(FetchedPartition { partition: number, records, next, end, is_out_of_range });
        }
        Ok(fetched)
    }
}

#[async_trait]
impl KafkaCluster for KafkaClient {
    async fn topic(&self, name: &str) -> Result<Option<Topic>, KafkaError> {
        let metadata = self.metadata(&[name]).await?;
        let Some(topic) = metadata.topics.first() else { return Ok(None) };
        if topic.error_code == ResponseError::UnknownTopicOrPartition.code() {
            return Ok(None);
        }
        check(&format!("topic {name}"), topic.error_code)?;
        self.note_leaders(name, &metadata, topic).await;
        let partitions = topic.partitions.iter().map(|partition| partition.partition_index).collect();
        Ok(Some(Topic { id: topic.topic_id, partitions }))
    }

    async fn create_topic(&self, name: &str, partitions: i32) -> Result<(), KafkaError> {
        self.create_topic_with(name, partitions, &[]).await
    }

    async fn offset(&self, topic: &str, partition: i32, at: OffsetAt) -> Result<i64, KafkaError> {
        let timestamp = match at {
            OffsetAt::Latest => -1,
            OffsetAt::Earliest => -2,
            OffsetAt::Timestamp(milliseconds) => milliseconds,
        };
        let wanted = ListOffsetsPartition::default()
            .with_partition_index(partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp);
        let request = ListOffsetsRequest::default()
            .with_replica_id(CONSUMER)
            .with_isolation_level(READ_COMMITTED)
            .with_topics(vec![ListOffsetsTopic::default().with_name(topic_name(topic)).with_partitions(vec![wanted])]);
        let leader = self.leader(topic, partition).await?;
        let response: ListOffsetsResponse = leader.call(LIST_OFFSETS, &request, Duration::ZERO).await?;
        let found = response.topics.into_iter().flat_map(|topic| topic.partitions).next();
        let found = found.ok_or_else(|| KafkaError(format!("no offset of partition {partition} of topic {topic}")))?;
        check(&format!("offset of partition {partition} of topic {topic}"), found.error_code)?;
        match (found.offset, at) {
            // No record is that new.
            (-1, OffsetAt::Timestamp(_)) => self.offset(topic, partition, OffsetAt::Latest).await,
            (offset, _) => Ok(offset),
        }
    }

    async fn fetch(
        &self,
        topic: &str,
        from: &[FetchPosition],
        wait: Duration,
    ) -> Result<Vec<FetchedPartition>, KafkaError> {
        let mut by_leader: Vec<(Arc<Connection>, Vec<FetchPosition>)> = Vec::new();
        for position in from {
            let leader = self.leader(topic, position.partition).await?;
            match by_leader.iter_mut().find(|(one, _)| Arc::ptr_eq(one, &leader)) {
                Some((_, positions)) => positions.push(*position),
                None => by_leader.push((leader, vec![*position])),
            }
        }
        let mut fetches = tokio::task::JoinSet::new();
        for (leader, positions) in by_leader {
            let topic = topic.to_owned();
            fetches.spawn(async move { Self::fetch_of(leader, &topic, &positions, wait).await });
        }
        let mut fetched = Vec::new();
        while let Some(one) = fetches.join_next().await {
            fetched.extend(one.map_err(|error| KafkaError(error.to_string()))??);
        }
        Ok(fetched)
    }
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

fn check(call: &str, code: i16) -> Result<(), KafkaError> {
    match ResponseError::try_from_code(code) {
        None => Ok(()),
        Some(error) => Err(KafkaError(format!("{call}: {error}"))),
    }
}
