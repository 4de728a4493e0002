//! Subscriber of a RabbitMQ exchange, through a queue of its own that ends with its connection.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use amqprs::BasicProperties;
use amqprs::callbacks::{DefaultChannelCallback, DefaultConnectionCallback};
use amqprs::channel::{BasicGetArguments, BasicPublishArguments, Channel, QueueBindArguments, QueueDeclareArguments};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::error::Error;
use paystream_local::HubUrl;

use super::{Message, SubscriberError};

/// Bound on a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Every routing key.
const EVERY_KEY: &str = "#";
const PERSISTENT: u8 = 2;

pub(super) struct RabbitMqSubscriber {
    exchange: String,
    /// Exclusive queue of this subscriber.
    queue: String,
    /// Reads the queue.
    reading: Channel,
    /// Writes in transactions, which end when every queue has the message.
    writing: Channel,
    _connection: Connection,
}

impl fmt::Debug for RabbitMqSubscriber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RabbitMqSubscriber({} of {})", self.queue, self.exchange)
    }
}

impl RabbitMqSubscriber {
    /// Binds a new queue to an exchange of the virtual host `/`.
    pub(super) async fn new(url: &HubUrl, exchange: String) -> Result<Self, SubscriberError> {
        let address = url.address();
        let (host, port) = address.rsplit_once(':').unwrap_or((&address, ""));
        let (username, password) = url.credentials();
        let arguments = OpenConnectionArguments::new(host, port.parse().unwrap_or_default(), username, password);
        let connection = in_time(Connection::open(&arguments)).await?;
        connection.register_callback(DefaultConnectionCallback).await?;
        let (reading, writing) = (open_channel(&connection).await?, open_channel(&connection).await?);
        in_time(writing.tx_select()).await?;
        let declared = in_time(reading.queue_declare(QueueDeclareArguments::exclusive_server_named())).await?;
        let (queue, _, _) = declared.unwrap_or_default();
        in_time(reading.queue_bind(QueueBindArguments::new(&queue, &exchange, EVERY_KEY))).await?;
        Ok(Self { exchange, queue, reading, writing, _connection: connection })
    }

    pub(super) async fn read(&mut self) -> Result<Vec<Message>, SubscriberError> {
        let get = BasicGetArguments::new(&self.queue).no_ack(true).finish();
        let mut messages = Vec::new();
        while let Some((got, _, value)) = in_time(self.reading.basic_get(get.clone())).await? {
            messages.push(Message { partition: 0, key: got.routing_key().as_bytes().to_vec(), value });
        }
        Ok(messages)
    }

    pub(super) async fn write(&self, key: &str, value: Vec<u8>) -> Result<(), SubscriberError> {
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT).finish();
        let publish = BasicPublishArguments::new(&self.exchange, key);
        in_time(self.writing.basic_publish(properties, value, publish)).await?;
        in_time(self.writing.tx_commit()).await
    }
}

async fn open_channel(connection: &Connection) -> Result<Channel, SubscriberError> {
    let channel = in_time(connection.open_channel(None)).await?;
    channel.register_callback(DefaultChannelCallback).await?;
    Ok(channel)
}

async fn in_time<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, SubscriberError> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(SubscriberError::Timeout(CALL_TIMEOUT.as_secs())),
    }
}
