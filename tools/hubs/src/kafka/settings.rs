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

/// Attempts to read the offsets of a group. Its coordinator is not ready for some seconds after a broker started, and
/// while a new cluster creates its topic of offsets.
const COORDINATOR_ATTEMPTS: usize = 100;
const COORDINATOR_POLL: Duration = Duration::from_millis(100);
/// Errors of a coordinator that is not ready.
const NOT_READY: [ResponseError; 3] =
    [ResponseError::CoordinatorNotAvailable, ResponseError::CoordinatorLoadInProgress, ResponseError::NotCoordinator];

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
    /// none. Waits up to ten seconds for its coordinator.
    pub async fn committed(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, i64>, KafkaError> {
        let mut attempt = 1;
        loop {
            let code = match self.try_committed(group, topic).await? {
                Ok(offsets) => return Ok(offsets),
                Err(code) => code,
            };
            if attempt == COORDINATOR_ATTEMPTS || !NOT_READY.iter().any(|error| error.code() == code) {
                check(&format!("offsets of group {group}"), code)?;
            }
            attempt += 1;
            tokio::time::sleep(COORDINATOR_POLL).await;
        }
    }

    /// Reads the offsets once. The inner error is the code of the coordinator.
    async fn try_committed(&self, group: &str, topic: &str) -> Result<Result<BTreeMap<i32, i64>, i16>, KafkaError> {
        let key = StrBytes::from_string(group.to_owned());
        let request = FindCoordinatorRequest::default().with_key(key.clone()).with_key_type(GROUP);
        let found: FindCoordinatorResponse = self.bootstrap.call(FIND_COORDINATOR, &request, Duration::ZERO).await?;
        if found.error_code != 0 {
            return Ok(Err(found.error_code));
        }
        let coordinator = self.connection(format!("{}:{}", found.host.as_str(), found.port)).await;
        // All partitions that the group has offsets for: also those that the topic does not have any more.
        let request =
            OffsetFetchRequest::default().with_group_id(GroupId(key)).with_topics(None::<Vec<OffsetFetchRequestTopic>>);
        let response: OffsetFetchResponse = coordinator.call(OFFSET_FETCH, &request, Duration::ZERO).await?;
        if response.error_code != 0 {
            return Ok(Err(response.error_code));
        }
        let name = topic_name(topic);
        let partitions = response.topics.into_iter().filter(|read| read.name == name).flat_map(|read| read.partitions);
        let offset = partitions.filter(|partition| partition.error_code == 0 && partition.committed_offset != NONE);
        Ok(Ok(offset.map(|partition| (partition.partition_index, partition.committed_offset)).collect()))
    }

    /// Returns the connection to a broker.
    async fn connection(&self, address: String) -> Arc<Connection> {
        let mut state = self.state.lock().await;
        let access = self.bootstrap.access().clone();
        let connection = state.connections.entry(address.clone());
        Arc::clone(connection.or_insert_with(|| Arc::new(Connection::new(address, access))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bytes::Bytes;
    use kafka_protocol::messages::RequestHeader;
    use kafka_protocol::protocol::Decodable;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A broker that is the coordinator of every group. It answers requests for a coordinator, and for offsets, with these
    /// error codes in turn, and then without error: the group `orders` is at offset 7 of partition 1.
    struct Coordinator {
        port: i32,
        finding: Vec<i16>,
        fetching: Vec<i16>,
    }

    impl Coordinator {
        /// Listens, and returns the address.
        async fn start(finding: &[ResponseError], fetching: &[ResponseError]) -> String {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let codes = |errors: &[ResponseError]| errors.iter().rev().map(ResponseError::code).collect();
            let (finding, fetching) = (codes(finding), codes(fetching));
            let coordinator = Arc::new(Mutex::new(Self { port: i32::from(address.port()), finding, fetching }));
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&coordinator)));
                }
            });
            address.to_string()
        }

        /// Returns the answer, in the versions that the client sends. It is encoded by hand: the library encodes requests.
        fn answer(&mut self, header: &RequestHeader) -> Vec<u8> {
            const NO_TAGS: u8 = 0;
            let mut answer = header.correlation_id.to_be_bytes().to_vec();
            answer.extend([NO_TAGS, 0, 0, 0, 0]); // no throttle time
            if header.request_api_key == ApiKey::FindCoordinator as i16 {
                answer.extend(self.finding.pop().unwrap_or(0).to_be_bytes());
                answer.extend([0, 0, 0, 0, 1]); // no message, node 1
                answer.extend(compact("127.0.0.1"));
                answer.extend(self.port.to_be_bytes());
            } else {
                answer.push(2); // one topic
                answer.extend(compact("payments"));
                answer.push(2); // one partition
                answer.extend(1_i32.to_be_bytes());
                answer.extend(7_i64.to_be_bytes());
                answer.extend((-1_i32).to_be_bytes()); // leader epoch
                answer.extend([0, 0, 0, NO_TAGS, NO_TAGS]); // no metadata, no error
                answer.extend(self.fetching.pop().unwrap_or(0).to_be_bytes());
            }
            answer.push(NO_TAGS);
            answer
        }
    }

    fn compact(text: &str) -> Vec<u8> {
        [&[u8::try_from(text.len() + 1).unwrap()], text.as_bytes()].concat()
    }

    async fn serve(mut stream: TcpStream, coordinator: Arc<Mutex<Coordinator>>) {
        while let Ok(length) = stream.read_i32().await {
            let mut request = vec![0; usize::try_from(length).unwrap()];
            stream.read_exact(&mut request).await.unwrap();
            // Tagged fields follow, which the answer does not depend on.
            let header = RequestHeader::decode(&mut Bytes::from(request), 1).unwrap();
            let answer = coordinator.lock().unwrap().answer(&header);
            stream.write_i32(i32::try_from(answer.len()).unwrap()).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    }

    #[tokio::test]
    async fn offsets_are_read_once_the_coordinator_is_ready() {
        let [unavailable, loading, other] = NOT_READY;
        let address = Coordinator::start(&[unavailable, loading], &[other, loading]).await;
        let committed = KafkaClient::new(&address).committed("orders", "payments").await.unwrap();
        assert_eq!(committed, BTreeMap::from([(1, 7)]));
    }

    #[tokio::test]
    async fn another_error_of_the_coordinator_is_returned_at_once() {
        let refused = ResponseError::GroupAuthorizationFailed;
        for (finding, fetching) in [(&[refused][..], &[][..]), (&[], &[refused])] {
            let address = Coordinator::start(finding, fetching).await;
            let error = KafkaClient::new(&address).committed("orders", "payments").await.unwrap_err().to_string();
            assert!(error.contains("orders") && error.contains("GroupAuthorizationFailed"), "{error}");
        }
    }
}
