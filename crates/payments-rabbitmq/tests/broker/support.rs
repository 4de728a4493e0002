//! Exchange and queue of one test, and publishers for them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use amqprs::BasicProperties;
use amqprs::callbacks::{DefaultChannelCallback, DefaultConnectionCallback};
use amqprs::channel::{
    BasicGetArguments, Channel, ExchangeDeclareArguments, QueueBindArguments, QueueDeclareArguments,
    QueueDeleteArguments,
};
use amqprs::connection::{Connection, OpenConnectionArguments};
use aws_connection::{Aws, Encryption, Trust};
use aws_secrets::Secrets;
use axum::Router;
use axum::extract::State;
use payments::PublishError;
use payments_rabbitmq::{Message, RabbitMqPublisher, Settings};
use serde_json::{Value, json};
use telemetry::WithCauses;

/// Bound of waiting for the broker.
const PATIENCE: Duration = Duration::from_mins(1);

/// Returns `HOST:PORT` of the broker, or says that the test is skipped.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub(crate) fn broker() -> Option<String> {
    let broker = std::env::var("PAYSTREAM_RABBITMQ").ok();
    if broker.is_none() {
        eprintln!("skipped: PAYSTREAM_RABBITMQ is not set; hubs/host/rabbitmq start sets it");
    }
    broker
}

/// An exchange and Orders' queue of one test. The queue is deleted with the connection.
pub(crate) struct Hub {
    pub(crate) broker: String,
    pub(crate) name: String,
    pub(crate) channel: Channel,
    _connection: Connection,
}

/// A message in the queue.
pub(crate) struct Queued {
    pub(crate) key: String,
    pub(crate) properties: BasicProperties,
    pub(crate) body: Vec<u8>,
}

impl Hub {
    /// Creates an exchange and a queue, bound with `#`. Both have the same name.
    pub(crate) async fn new(broker: &str) -> Self {
        let hub = Self::connect(broker, &format!("test-{}", uuid::Uuid::new_v4())).await;
        hub.declare_exchange().await;
        hub.declare_queue().await;
        hub.bind().await;
        hub
    }

    /// Connects, and creates nothing.
    pub(crate) async fn connect(broker: &str, name: &str) -> Self {
        let (host, port) = broker.rsplit_once(':').unwrap();
        let arguments = OpenConnectionArguments::new(host, port.parse().unwrap(), "guest", "guest");
        let connection = Connection::open(&arguments).await.unwrap();
        connection.register_callback(DefaultConnectionCallback).await.unwrap();
        let channel = connection.open_channel(None).await.unwrap();
        channel.register_callback(DefaultChannelCallback).await.unwrap();
        Self { broker: broker.to_owned(), name: name.to_owned(), channel, _connection: connection }
    }

    pub(crate) async fn declare_exchange(&self) {
        let mut declare = ExchangeDeclareArguments::new(&self.name, "topic");
        self.channel.exchange_declare(declare.durable(true).finish()).await.unwrap();
    }

    pub(crate) async fn declare_queue(&self) {
        let declare = QueueDeclareArguments::durable_client_named(&self.name);
        self.channel.queue_declare(declare).await.unwrap();
    }

    pub(crate) async fn bind(&self) {
        self.channel.queue_bind(QueueBindArguments::new(&self.name, &self.name, "#")).await.unwrap();
    }

    /// Deletes queue and exchange.
    pub(crate) async fn delete(&self) {
        self.channel.queue_delete(QueueDeleteArguments::new(&self.name)).await.unwrap();
        let delete = amqprs::channel::ExchangeDeleteArguments::new(&self.name);
        self.channel.exchange_delete(delete).await.unwrap();
    }

    /// Takes all messages out of the queue, in order.
    pub(crate) async fn messages(&self) -> Vec<Queued> {
        let mut messages = Vec::new();
        let mut get = BasicGetArguments::new(&self.name);
        while let Some((got, properties, body)) = self.channel.basic_get(get.no_ack(true).finish()).await.unwrap() {
            messages.push(Queued { key: got.routing_key().clone(), properties, body });
        }
        messages
    }

    /// Takes all messages, and returns their ids by key.
    pub(crate) async fn ids_by_key(&self) -> BTreeMap<String, Vec<String>> {
        let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for message in self.messages().await {
            ids.entry(message.key).or_default().push(message.properties.message_id().unwrap().clone());
        }
        ids
    }

    /// Waits until the queue has this many messages.
    pub(crate) async fn until_queued(&self, number: u32) {
        let queued = async {
            let mut declare = QueueDeclareArguments::new(&self.name);
            let declare = declare.passive(true).finish();
            while self.channel.queue_declare(declare.clone()).await.unwrap().unwrap().1 < number {}
        };
        tokio::time::timeout(PATIENCE, queued).await.unwrap();
    }

    /// Returns settings for this exchange and queue, over plaintext and as guest.
    pub(crate) fn settings(&self) -> Settings {
        self.settings_at(&self.broker)
    }

    pub(crate) fn settings_at(&self, address: &str) -> Settings {
        Settings {
            address: address.parse().unwrap(),
            virtual_host: "/".parse().unwrap(),
            exchange: self.name.parse().unwrap(),
            queue: self.name.parse().unwrap(),
            encryption: Encryption::Plaintext,
            secret_arn: None,
            ca_secret_arn: None,
            trust: Trust::Amazon,
            connection_name: "payment-relay".to_owned(),
        }
    }

    pub(crate) fn publisher(&self) -> RabbitMqPublisher {
        RabbitMqPublisher::new(self.settings(), no_secrets())
    }
}

/// Returns a message whose body is its id.
pub(crate) fn message(key: &str, lineage: &str, id: &str) -> Message {
    Message { key: key.to_owned(), lineage: lineage.to_owned(), id: id.to_owned(), body: id.as_bytes().to_vec() }
}

/// Returns the text of an error that may pass, with its causes.
pub(crate) fn failed(result: &Result<(), PublishError>) -> String {
    match result {
        Err(error @ PublishError::Failed(_)) => WithCauses(error).to_string(),
        other => panic!("{other:?}"),
    }
}

/// Returns the text of a permanent error, with its causes.
pub(crate) fn rejected(result: &Result<(), PublishError>) -> String {
    match result {
        Err(error @ PublishError::Rejected(_)) => WithCauses(error).to_string(),
        other => panic!("{other:?}"),
    }
}

/// Publishes one message, and returns the text of the error.
pub(crate) async fn error_of(settings: Settings, secrets: Secrets) -> String {
    let publisher = RabbitMqPublisher::new(settings, secrets);
    failed(&publisher.publish_messages(&[message("k", "p", "m")]).await[0])
}

pub(crate) fn no_secrets() -> Secrets {
    secrets_at("http://127.0.0.1:1")
}

fn secrets_at(url: &str) -> Secrets {
    let variables = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", url),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter();
    Secrets::new(&Aws::from_environment(variables.collect()).unwrap())
}

/// Serves these secrets, by ARN.
pub(crate) async fn secrets<const N: usize>(secrets: [(&str, Value); N]) -> Secrets {
    let secrets: BTreeMap<_, _> = secrets.into_iter().map(|(arn, value)| (arn.to_owned(), value.to_string())).collect();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(respond).with_state(Arc::new(secrets));
    tokio::spawn(async move { axum::serve(listener, router).await });
    secrets_at(&url)
}

async fn respond(State(secrets): State<Arc<BTreeMap<String, String>>>, body: String) -> axum::Json<Value> {
    let request: Value = serde_json::from_str(&body).unwrap();
    axum::Json(json!({"SecretString": secrets[request["SecretId"].as_str().unwrap()]}))
}
