//! Settings of a topic, and the positions of a consumer group, for `paystream doctor`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{
    ApiKey, DescribeConfigsRequest, DescribeConfigsResponse, FindCoordinatorRequest, FindCoordinatorResponse, GroupId,
    OffsetFetchRequest, OffsetFetchResponse,
};
use kafka_protocol::protocol::StrBytes;
use paystream_local::{KafkaCluster, KafkaError, OffsetAt};

use super::connection::{Api, Connection};
use super::{KafkaClient, check, topic_name};

/// Versions of the requests. Brokers from 2.8 to 4 have all of them.
const DESCRIBE_CONFIGS: Api = Api { key: ApiKey::DescribeConfigs, version: 4 };
const FIND_COORDINATOR: Api = Api { key: ApiKey::FindCoordinator, version: 3 };
const OFFSET_FETCH: Api = Api { key: ApiKey::OffsetFetch, version: 7 };

/// Resource type of a topic in a request for its configuration.
const TOPIC: i8 = 2;
/// Key type of a consumer group in a request for its coordinator.
const GROUP: i8 = 0;
/// Offset of a partition for which the group has committed none.
const NONE: i64 = -1;

/// Settings of a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicSettings {
    /// Partitions, in order.
    pub partitions: Vec<PartitionState>,
    /// Effective configuration: of the topic, or of the broker.
    pub configuration: BTreeMap<String, String>,
}

/// State of a partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartitionState {
    /// Number.
    pub partition: i32,
    /// True if it has a leader.
    pub has_leader: bool,
    /// Number of replicas.
    pub replicas: usize,
    /// Number of replicas in sync.
    pub in_sync: usize,
    /// Offset after the newest committed record; `None` without a leader.
    pub end: Option<i64>,
}

impl KafkaClient {
    /// Returns the settings of a topic; `None` if it does not exist.
    pub async fn settings(&self, name: &str) -> Result<Option<TopicSettings>, KafkaError> {
        let metadata = self.metadata(&[name]).await?;
        let Some(topic) = metadata.topics.first() else { return Ok(None) };
        if topic.error_code == ResponseError::UnknownTopicOrPartition.code() {
            return Ok(None);
        }
        check(&format!("topic {name}"), topic.error_code)?;
        self.note_leaders(name, &metadata, topic).await;
        let mut partitions = Vec::new();
        for partition in &topic.partitions {
            let number = partition.partition_index;
            let has_leader = partition.leader_id.0 >= 0;
            let end = if has_leader { Some(self.offset(name, number, OffsetAt::Latest).await?) } else { None };
            let (replicas, in_sync) = (partition.replica_nodes.len(), partition.isr_nodes.len());
            partitions.push(PartitionState { partition: number, has_leader, replicas, in_sync, end });
        }
        partitions.sort_by_key(|partition| partition.partition);
        Ok(Some(TopicSettings { partitions, configuration: self.configuration(name).await? }))
    }

    async fn configuration(&self, name: &str) -> Result<BTreeMap<String, String>, KafkaError> {
        let topic = DescribeConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(StrBytes::from_string(name.to_owned()))
            .with_configuration_keys(None);
        let request = DescribeConfigsRequest::default().with_resources(vec![topic]);
        let response: DescribeConfigsResponse = self.bootstrap.call(DESCRIBE_CONFIGS, &request, Duration::ZERO).await?;
        let result = response.results.into_iter().next();
        let result = result.ok_or_else(|| KafkaError(format!("no configuration of topic {name}")))?;
        check(&format!("configuration of topic {name}"), result.error_code)?;
        let text = |value: Option<StrBytes>| value.map(|value| value.as_str().to_owned());
        let entry = |config: kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult| {
            Some((config.name.as_str().to_owned(), text(config.value)?))
        };
        Ok(result.configs.into_iter().filter_map(entry).collect())
    }

    /// Returns the offsets that a consumer group has committed for a topic, by partition. A group that does not exist has
    /// none.
    pub async fn committed(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, i64>, KafkaError> {
        let key = StrBytes::from_string(group.to_owned());
        let request = FindCoordinatorRequest::default().with_key(key.clone()).with_key_type(GROUP);
        let found: FindCoordinatorResponse = self.bootstrap.call(FIND_COORDINATOR, &request, Duration::ZERO).await?;
        // A new cluster creates its topic of offsets first. It has no offsets until then.
        if found.error_code == ResponseError::CoordinatorNotAvailable.code() {
            return Ok(BTreeMap::new());
        }
        check(&format!("coordinator of group {group}"), found.error_code)?;
        let coordinator = self.connection(format!("{}:{}", found.host.as_str(), found.port)).await;
        // All partitions that the group has offsets for: also those that the topic does not have any more.
        let request =
            OffsetFetchRequest::default().with_group_id(GroupId(key)).with_topics(None::<Vec<OffsetFetchRequestTopic>>);
        let response: OffsetFetchResponse = coordinator.call(OFFSET_FETCH, &request, Duration::ZERO).await?;
        check(&format!("offsets of group {group}"), response.error_code)?;
        let name = topic_name(topic);
        let partitions = response.topics.into_iter().filter(|read| read.name == name).flat_map(|read| read.partitions);
        let offset = partitions.filter(|partition| partition.error_code == 0 && partition.committed_offset != NONE);
        Ok(offset.map(|partition| (partition.partition_index, partition.committed_offset)).collect())
    }

    /// Returns the connection to a broker.
    async fn connection(&self, address: String) -> Arc<Connection> {
        let mut state = self.state.lock().await;
        let access = self.bootstrap.access().clone();
        let connection = state.connections.entry(address.clone());
        Arc::clone(connection.or_insert_with(|| Arc::new(Connection::new(address, access))))
    }
}
