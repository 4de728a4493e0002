//! A connection to the cluster.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_connection::{Encryption, Trust, trust_only};
use aws_credential_types::provider::ProvideCredentials;
use aws_secrets::Secrets;
use aws_types::SdkConfig;
use futures::{StreamExt, stream};
use payment_events::Timestamp;
use rskafka::BackoffConfig;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder, Credentials, OauthBearerCredentials, OauthCallback, SaslConfig};
use rustls::ClientConfig;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

use crate::batch::{Batch, Lane};
use crate::error::remedy;
use crate::message::RecordPosition;
use crate::{Authentication, KafkaConfig, KafkaError, iam};

/// Age above which an unused connection is replaced. Devices in between drop idle connections silently: a NAT gateway
/// after 350 s. In wall-clock time, because a sandbox is frozen between invocations.
const IDLE_MAX: Duration = Duration::from_mins(4);
/// Age above which the number of partitions is read again, as Java's clients do (`metadata.max.age.ms`).
const METADATA_AGE_MAX: Duration = Duration::from_mins(5);
/// Time limit of connecting, secrets included.
const CONNECT_MAX: Duration = Duration::from_secs(8);
/// Time limit of one request.
const REQUEST_MAX: Duration = Duration::from_secs(8);
/// Partitions sent to, or connected to, at once. Each has a connection of its own.
const PARTITIONS_AT_ONCE_MAX: usize = 8;
/// Partitions connected to before the first event.
const CONNECTED_AHEAD_MAX: usize = 32;
/// Largest response that is read. The largest is the list of topics.
const RESPONSE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Pauses of the client between its own attempts: about 1 s in total. It also repeats attempts that cannot succeed, such
/// as those with wrong credentials, and their error must be known before [`CONNECT_MAX`] ends.
fn backoff() -> BackoffConfig {
    BackoffConfig {
        init_backoff: Duration::from_millis(50),
        max_backoff: Duration::from_millis(500),
        base: 2.,
        deadline: Some(Duration::from_secs(1)),
    }
}

/// Source of wall-clock time.
pub(crate) type Clock = fn() -> SystemTime;

/// A client of the cluster, with a connection to each partition that was used.
#[derive(Debug)]
pub(crate) struct Session {
    client: Client,
    config: KafkaConfig,
    partitions: Vec<OnceCell<PartitionClient>>,
    clock: Clock,
    counted_at: SystemTime,
    used_at: SystemTime,
}

impl Session {
    /// Connects with secrets read now, so that a rotated secret or authority is used.
    pub(crate) async fn connect(
        aws: &SdkConfig,
        secrets: &Secrets,
        config: &KafkaConfig,
        clock: Clock,
    ) -> Result<Self, KafkaError> {
        let servers = || config.bootstrap_servers.addresses().join(",");
        let connect = async {
            let mut builder = ClientBuilder::new(config.bootstrap_servers.addresses().to_vec())
                .client_id("paystream-relay")
                .backoff_config(backoff())
                .max_message_size(RESPONSE_BYTES_MAX);
            if let Some(tls) = tls(secrets, config).await? {
                builder = builder.tls_config(Arc::new(tls));
            }
            if let Some(sasl) = sasl(aws, secrets, &config.authentication).await? {
                builder = builder.sasl_config(sasl);
            }
            let client = builder.build().await.map_err(|error| connection(config, &error))?;
            let partitions = count_partitions(&client, config).await?;
            Ok((client, partitions))
        };
        let no_answer = || KafkaError::NoAnswer { servers: servers(), limit: CONNECT_MAX };
        let connected = tokio::time::timeout(CONNECT_MAX, connect).await;
        let (client, partitions) = connected.unwrap_or_else(|_elapsed| Err(no_answer()))?;
        let now = clock();
        let partitions = std::iter::repeat_with(OnceCell::new).take(partitions).collect();
        Ok(Self { client, config: config.clone(), partitions, clock, counted_at: now, used_at: now })
    }

    /// True if the connections may have been dropped silently, or the clock was set back.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_older(self.used_at, IDLE_MAX)
    }

    /// True if the topic has another number of partitions than at the last look, or cannot be read. Looks every 5 min.
    pub(crate) async fn is_outdated(&mut self) -> bool {
        if !self.is_older(self.counted_at, METADATA_AGE_MAX) {
            return false;
        }
        self.counted_at = (self.clock)();
        let count = tokio::time::timeout(REQUEST_MAX, count_partitions(&self.client, &self.config)).await;
        !matches!(count, Ok(Ok(count)) if count == self.partitions.len())
    }

    /// Returns true also if the clock was set back, since the age is then unknown.
    fn is_older(&self, at: SystemTime, age_max: Duration) -> bool {
        (self.clock)().duration_since(at).map_or(true, |age| age > age_max)
    }

    /// Connects to partitions before the first event. A partition that cannot be reached is left to the first request.
    pub(crate) async fn connect_partitions(&self) {
        let numbers = 0..self.partitions.len().min(CONNECTED_AHEAD_MAX);
        stream::iter(numbers)
            .for_each_concurrent(PARTITIONS_AT_ONCE_MAX, async |partition| {
                if let Err(error) = self.partition(partition).await {
                    tracing::warn!(partition, %error, "could not connect ahead; the first request will try again");
                }
            })
            .await;
    }

    /// Sends the events that wait. Returns the first error, if there is one.
    pub(crate) async fn send(&mut self, batch: &mut Batch<'_>, deadline: Instant) -> Option<KafkaError> {
        let lanes = batch.lanes(self.partitions.len());
        let (session, waiting) = (&*self, &*batch);
        let sent: Vec<_> = stream::iter(lanes)
            .map(async |lane| session.send_lane(waiting, &lane, deadline).await)
            .buffer_unordered(PARTITIONS_AT_ONCE_MAX)
            .collect()
            .await;
        self.used_at = (self.clock)();
        let mut first_error = None;
        for Sent { acknowledged, rejected, error } in sent {
            batch.acknowledge(acknowledged);
            for (place, cause) in rejected {
                batch.reject(place, cause);
            }
            first_error = first_error.or(error);
        }
        first_error
    }

    /// Sends the events of a partition, one request at a time, up to the first failure. A request that is too large is
    /// split until the record that is too large is alone.
    async fn send_lane(&self, batch: &Batch<'_>, lane: &Lane, deadline: Instant) -> Sent {
        let mut requests: VecDeque<_> = batch.requests(lane).into();
        let mut sent = Sent::default();
        while let Some(places) = requests.pop_front() {
            let rejected: Vec<_> = sent.rejected.iter().map(|(place, _)| *place).collect();
            let mut places = batch.without_payments_of(places, &rejected);
            let timestamp_ms = Timestamp::now().unix_ms();
            match self.request(lane.partition, batch.records(&places, timestamp_ms), deadline).await {
                Ok(offsets) => {
                    let partition = i32::try_from(lane.partition).unwrap_or_default();
                    let position = |offset| RecordPosition { partition, offset, timestamp_ms };
                    sent.acknowledged.extend(places.into_iter().zip(offsets.into_iter().map(position)));
                }
                Err(Refusal::Permanent(_)) if places.len() > 1 => {
                    let second = places.split_off(places.len().div_ceil(2));
                    requests.push_front(second);
                    requests.push_front(places);
                }
                Err(Refusal::Permanent(cause)) => {
                    sent.rejected.extend(places.into_iter().map(|place| (place, cause.clone())));
                }
                Err(Refusal::Other(error)) => {
                    sent.error = Some(error);
                    break;
                }
            }
        }
        sent
    }

    /// Sends one request, and waits until all in-sync replicas have its records. Returns their offsets.
    async fn request(
        &self,
        partition: usize,
        records: Vec<rskafka::record::Record>,
        deadline: Instant,
    ) -> Result<Vec<i64>, Refusal> {
        let limit = Instant::now().checked_add(REQUEST_MAX).map_or(deadline, |limit| limit.min(deadline));
        let request = async { self.partition(partition).await?.produce(records, Compression::NoCompression).await };
        match timeout_at(limit, request).await {
            Ok(Ok(offsets)) => Ok(offsets),
            Ok(Err(error)) if is_permanent(&error) => Err(Refusal::Permanent(self.rejection(&error))),
            Ok(Err(error)) => Err(Refusal::Other(self.not_accepted(partition, &error))),
            Err(_elapsed) => {
                let topic = self.config.topic.clone();
                Err(Refusal::Other(KafkaError::NotAcknowledged { topic, partition, limit: REQUEST_MAX }))
            }
        }
    }

    /// Returns the client of a partition, connected.
    async fn partition(&self, partition: usize) -> Result<&PartitionClient, Error> {
        let missing = || Error::InvalidResponse(format!("there is no partition {partition}"));
        let (cell, number) = (self.partitions.get(partition).ok_or_else(missing)?, i32::try_from(partition));
        let number = number.map_err(|_| missing())?;
        let connect = || self.client.partition_client(&self.config.topic, number, UnknownTopicHandling::Error);
        cell.get_or_try_init(connect).await
    }

    fn rejection(&self, error: &Error) -> String {
        let (topic, protocol) = (&self.config.topic, protocol_error(error));
        let cause = protocol.map_or_else(|| error.to_string(), |error| error.to_string());
        format!("topic {topic} rejected it ({cause}); compare its size with max.message.bytes of the topic")
    }

    fn not_accepted(&self, partition: usize, error: &Error) -> KafkaError {
        let error = error.to_string();
        let remedy = remedy(&error, &self.config.authentication);
        KafkaError::NotAccepted { topic: self.config.topic.clone(), partition, error, remedy }
    }
}

/// Result of sending the events of one partition. The others wait.
#[derive(Default)]
struct Sent {
    /// Each with its position.
    acknowledged: Vec<(usize, RecordPosition)>,
    /// Each with the cause.
    rejected: Vec<(usize, String)>,
    error: Option<KafkaError>,
}

/// Why a request was not acknowledged.
enum Refusal {
    /// The request can never be accepted.
    Permanent(String),
    Other(KafkaError),
}

/// True if Kafka refused the records for their size or content, which another attempt does not change.
///
/// Source: <https://kafka.apache.org/protocol#protocol_error_codes>.
fn is_permanent(error: &Error) -> bool {
    use ProtocolError::{InvalidRecord, MessageTooLarge, RecordListTooLarge};
    matches!(protocol_error(error), Some(MessageTooLarge | RecordListTooLarge | InvalidRecord))
}

fn protocol_error(error: &Error) -> Option<ProtocolError> {
    match error {
        Error::ServerError { protocol_error, .. } => Some(*protocol_error),
        _ => None,
    }
}

fn connection(config: &KafkaConfig, error: &Error) -> KafkaError {
    let error = error.to_string();
    let remedy = remedy(&error, &config.authentication);
    KafkaError::Connection { servers: config.bootstrap_servers.addresses().join(","), error, remedy }
}

/// Returns the number of partitions of the topic. Lists all topics: asking for one by name would create it, if the
/// cluster creates topics automatically.
async fn count_partitions(client: &Client, config: &KafkaConfig) -> Result<usize, KafkaError> {
    let topics = client.list_topics().await.map_err(|error| connection(config, &error))?;
    let topic = topics.into_iter().find(|topic| topic.name == config.topic && !topic.partitions.is_empty());
    let missing =
        || KafkaError::NoTopic { servers: config.bootstrap_servers.addresses().join(","), topic: config.topic.clone() };
    topic.map(|topic| topic.partitions.len()).ok_or_else(missing)
}

async fn tls(secrets: &Secrets, config: &KafkaConfig) -> Result<Option<ClientConfig>, KafkaError> {
    Ok(match (config.encryption, &config.ca_secret_arn) {
        (Encryption::Plaintext, _) => None,
        (Encryption::Tls, None) => Some(Trust::Amazon.client_config()),
        (Encryption::Tls, Some(arn)) => {
            let authority = trust_only(&secrets.certificate(arn).await?);
            Some(authority.map_err(|error| KafkaError::Authority { arn: arn.clone(), error })?)
        }
    })
}

async fn sasl(
    aws: &SdkConfig,
    secrets: &Secrets,
    authentication: &Authentication,
) -> Result<Option<SaslConfig>, KafkaError> {
    Ok(match authentication {
        Authentication::None => None,
        Authentication::ScramSha512 { secret_arn } => {
            let aws_secrets::Credentials { username, password } = secrets.credentials(secret_arn).await?;
            Some(SaslConfig::ScramSha512(Credentials::new(username, password)))
        }
        Authentication::Iam => {
            let callback = token_callback(aws.clone());
            Some(SaslConfig::Oauthbearer(OauthBearerCredentials { callback, authz_id: None, bearer_kvs: vec![] }))
        }
    })
}

/// Signs a token at each connection. The client ignores the lifetime of a session, so that MSK ends the connection with
/// it, and the client connects again.
fn token_callback(aws: SdkConfig) -> OauthCallback {
    Arc::new(move || {
        let aws = aws.clone();
        Box::pin(async move {
            let provider = aws.credentials_provider().ok_or("no credentials provider is configured")?;
            let credentials = provider.provide_credentials().await?;
            let region = aws.region().map(AsRef::as_ref).ok_or("no region is set; set AWS_REGION")?;
            iam::token(&credentials, region, SystemTime::now())
        })
    })
}
