//! Topics, events and publishers.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use aws_connection::{Aws, Encryption};
use aws_secrets::Secrets;
use payment_events::{Money, PaymentEvent, Timestamp};
use payments::{Action, Change, EventPublisher, Outcome, Payment, PublishError};
use payments_kafka::{Authentication, KafkaConfig, KafkaPublisher};
use rskafka::client::ClientBuilder;
use rskafka::client::partition::{OffsetAt, UnknownTopicHandling};
use telemetry::Variables;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub(crate) const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../hubs/host/kafka");

/// Returns the value of a variable that `hubs/host/kafka start` prints, or says that the test is skipped.
pub(crate) fn broker(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        eprintln!("skipped: {variable} is not set; hubs/host/kafka start sets it");
    }
    value
}

/// Runs the script for the broker at this address.
pub(crate) fn script(broker: &str, arguments: &[&str]) -> Output {
    let port = broker.rsplit_once(':').unwrap().1;
    let output = Command::new(SCRIPT).args(["--port", port]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Sends one record per key with Java's producer.
pub(crate) fn produce_with_java(topic: &Topic, keys: &[String]) {
    let port = topic.broker.rsplit_once(':').unwrap().1;
    let options = ["produce", "--topic", &topic.name, "--reader-property", "parse.key=true"];
    let mut command = Command::new(SCRIPT);
    let mut java = command.args(["--port", port]).args(options).stdin(Stdio::piped()).spawn().unwrap();
    let lines = keys.iter().flat_map(|key| [key.as_str(), "\tvalue\n"]).collect::<String>();
    java.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(java.wait().unwrap().success());
}

/// A topic with a random name, and the address of its broker.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    pub(crate) broker: String,
    pub(crate) name: String,
}

impl Topic {
    pub(crate) async fn create(broker: &str, partitions: i32) -> Self {
        let name = format!("payments-{}", uuid::Uuid::new_v4());
        let topic = Self { broker: broker.to_owned(), name };
        topic.recreate(partitions).await;
        topic
    }

    /// Creates a topic that was deleted, as soon as the broker has deleted it.
    pub(crate) async fn recreate(&self, partitions: i32) {
        let client = ClientBuilder::new(vec![self.broker.clone()]).build().await.unwrap();
        let controller = client.controller_client().unwrap();
        controller.create_topic(&self.name, partitions, 1, 5_000).await.unwrap();
        for partition in 0..partitions {
            client.partition_client(&self.name, partition, UnknownTopicHandling::Retry).await.unwrap();
        }
    }

    pub(crate) async fn delete(&self) {
        let client = ClientBuilder::new(vec![self.broker.clone()]).build().await.unwrap();
        client.controller_client().unwrap().delete_topic(&self.name, 5_000).await.unwrap();
    }

    /// Creates a topic with options of `kafka-topics`.
    pub(crate) fn create_with(broker: &str, options: &[&str]) -> Self {
        let topic = Self { broker: broker.to_owned(), name: format!("payments-{}", uuid::Uuid::new_v4()) };
        script(broker, &[&["topics", "--create", "--topic", &topic.name], options].concat());
        topic
    }

    /// Returns all records with their events, partition by partition.
    pub(crate) async fn records(&self) -> Vec<(Delivered, PaymentEvent)> {
        let with_event = |record: Delivered| {
            let event = PaymentEvent::decode(&record.value).unwrap();
            (record, event)
        };
        self.raw().await.into_iter().map(with_event).collect()
    }

    /// Returns all records, partition by partition.
    pub(crate) async fn raw(&self) -> Vec<Delivered> {
        let client = ClientBuilder::new(vec![self.broker.clone()]).build().await.unwrap();
        let topics = client.list_topics().await.unwrap();
        let topic = topics.into_iter().find(|topic| topic.name == self.name).unwrap();
        let mut records = Vec::new();
        for partition in topic.partitions {
            let reader = client.partition_client(&self.name, partition, UnknownTopicHandling::Error).await.unwrap();
            let end = reader.get_offset(OffsetAt::Latest).await.unwrap();
            let mut next = 0;
            while next < end {
                let (fetched, _) = reader.fetch_records(next, 1..10_000_000, 1_000).await.unwrap();
                for record in fetched {
                    next = record.offset + 1;
                    let (key, value) = (record.record.key.unwrap(), record.record.value.unwrap());
                    records.push(Delivered {
                        partition: usize::try_from(partition).unwrap(),
                        key: String::from_utf8(key).unwrap(),
                        value,
                        headers: record.record.headers.into_iter().collect(),
                    });
                }
            }
        }
        records
    }

    /// Returns the ids of all records, each once, partition by partition.
    pub(crate) async fn ids(&self) -> Vec<String> {
        first_appearances(self.records().await.iter().map(|(_, event)| event.id()))
    }

    pub(crate) fn config(&self) -> KafkaConfig {
        KafkaConfig {
            bootstrap_servers: self.broker.parse().unwrap(),
            topic: self.name.clone(),
            authentication: Authentication::None,
            encryption: Encryption::Plaintext,
            ca_secret_arn: None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) partition: usize,
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

/// A publisher that needs no secret.
pub(crate) fn publisher(config: KafkaConfig) -> KafkaPublisher {
    let aws = aws("http://127.0.0.1:9");
    KafkaPublisher::new(&aws, Secrets::new(&aws), config)
}

/// Seconds by which the clock of publishers is ahead. Each test that uses it runs alone in its process or only adds.
static AHEAD_S: AtomicU64 = AtomicU64::new(0);

/// A publisher whose clock [`advance`] moves.
pub(crate) fn publisher_by_clock(config: KafkaConfig) -> KafkaPublisher {
    let aws = aws("http://127.0.0.1:9");
    KafkaPublisher::by_clock(&aws, Secrets::new(&aws), config, || {
        SystemTime::now() + Duration::from_secs(AHEAD_S.load(Ordering::Relaxed))
    })
}

pub(crate) fn advance(by: Duration) {
    AHEAD_S.fetch_add(by.as_secs(), Ordering::Relaxed);
}

pub(crate) fn aws(secrets_manager: &str) -> Aws {
    let variables = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets_manager),
    ];
    let variables: Variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    Aws::from_environment(variables).unwrap()
}

/// Serves secrets as Secrets Manager does, by the name in the request. Returns its URL.
pub(crate) async fn serve_secrets(secrets: &'static [(&'static str, String)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = Vec::new();
                loop {
                    let mut part = [0; 4096];
                    let Ok(read @ 1..) = connection.read(&mut part).await else { return };
                    request.extend_from_slice(&part[..read]);
                    let text = String::from_utf8_lossy(&request).into_owned();
                    if let Some((_, secret)) = secrets.iter().find(|(name, _)| text.contains(&format!("\"{name}\""))) {
                        let body = serde_json::json!({"SecretString": secret}).to_string();
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                        connection.write_all((head + &body).as_bytes()).await.unwrap();
                        request.clear();
                    }
                }
            });
        }
    });
    url
}

/// Events of the versions 1 to 3 of a payment.
pub(crate) fn events(order_id: &str, payment_id: &str) -> Vec<PaymentEvent> {
    let at = Timestamp::from_unix_ms(1_800_000_000_000).unwrap();
    let amount = Money::new(1_299, "EUR".parse().unwrap()).unwrap();
    let begun = Payment::begin(payment_id.parse().unwrap(), order_id.parse().unwrap(), amount, None, at);
    let actions = [
        Action::Decide(Outcome::Approved),
        Action::Change(Change::Capture(None)),
        Action::Change(Change::Refund(None)),
    ];
    let mut payment = begun;
    let next = |action: &Action| {
        payment = payment.clone().after(action, at).unwrap();
        payment.event().unwrap().unwrap()
    };
    actions.iter().map(next).collect()
}

/// Events of one payment of each of these orders, version 1.
pub(crate) fn first_versions(orders: impl IntoIterator<Item = u32>) -> Vec<PaymentEvent> {
    let first = |order: u32| events(&format!("ord-{order}"), &format!("pay_{order}")).swap_remove(0);
    orders.into_iter().map(first).collect()
}

/// Deliveries of one batch. Several, because a busy machine may need longer than the publisher waits.
const DELIVERIES_MAX: usize = 10;

/// Publishes events until all are acknowledged. Delivers those that failed again, as Lambda would.
pub(crate) async fn publish(publisher: &KafkaPublisher, events: &[PaymentEvent]) {
    let mut left = events.to_vec();
    let mut causes = Vec::new();
    for _ in 0..DELIVERIES_MAX {
        let results = publisher.publish_all(&left).await;
        causes = results.iter().filter_map(|result| result.as_ref().err().map(cause)).collect();
        let failed = left.into_iter().zip(results).filter(|(_, result)| result.is_err());
        left = failed.map(|(event, _)| event).collect();
        if left.is_empty() {
            return;
        }
    }
    panic!("{causes:?}");
}

/// Publishes an event that must fail, and returns why.
pub(crate) async fn failure(publisher: &KafkaPublisher) -> String {
    let mut last = String::new();
    for _ in 0..DELIVERIES_MAX {
        let error = publisher.publish(&first_versions([1])[0]).await.unwrap_err();
        assert!(matches!(error, PublishError::Failed(_)), "{error:?}");
        last = cause(&error);
        if !last.contains("did not answer within") {
            break;
        }
    }
    last
}

/// Returns each id once, in the order of first appearances: a delivery that is repeated makes duplicates.
pub(crate) fn first_appearances(ids: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    ids.into_iter().filter(|id| seen.insert(id.clone())).collect()
}

pub(crate) fn cause(error: &PublishError) -> String {
    let (PublishError::Failed(cause) | PublishError::Rejected(cause)) = error;
    cause.to_string()
}
