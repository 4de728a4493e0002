//! RabbitMQ: a queue of this subscriber, bound to the exchange of Payments, with manual acknowledgements.
//!
//! The broker keeps the position, and unread messages use its memory and disk: **a subscriber that is gone for good must
//! delete its queue**, or the broker's alarm blocks Payments. The queue has no `x-overflow: reject-publish`, with which a
//! full queue would make the broker refuse Payments' messages.
//!
//! `amqprs` closes the connection on a message with headers that are not UTF-8. Payments sends none; a queue that also takes
//! messages of other producers needs another client.
//!
//! Plaintext; credentials are `RABBITMQ_USERNAME` and `RABBITMQ_PASSWORD`, by default those of a new broker (guest).

use std::env;
use std::time::Duration;

use amqprs::channel::{
    BasicAckArguments, BasicConsumeArguments, BasicQosArguments, Channel, ConsumerMessage, ExchangeDeclareArguments,
    QueueBindArguments, QueueDeclareArguments,
};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::{FieldTable, FieldValue};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::source::{Batch, BoxError, Record, Source};

/// Messages that the broker sends ahead of their acknowledgement.
const PREFETCH: u16 = 100;
/// Time without a message after which the queue is taken for empty, if the broker agrees.
const IDLE: Duration = Duration::from_secs(1);
/// Returns of a message before a quorum queue drops it. RabbitMQ 4 has a default of 20.
const DELIVERY_LIMIT: i64 = 1_000_000;
/// Maximum length of a name, by AMQP.
const NAME_BYTES_MAX: usize = 255;

pub(crate) struct RabbitMq {
    queue: String,
    channel: Channel,
    messages: UnboundedReceiver<ConsumerMessage>,
    last: Option<u64>,
    _connection: Connection,
}

impl RabbitMq {
    pub(crate) async fn open(broker: &str, exchange: &str, queue: &str) -> Result<Self, BoxError> {
        let (host, port) = broker.rsplit_once(':').ok_or("the broker is not HOST:PORT")?;
        if exchange.len() > NAME_BYTES_MAX || queue.len() > NAME_BYTES_MAX {
            return Err(format!("names of exchange and queue have at most {NAME_BYTES_MAX} bytes").into());
        }
        let variable = |name| env::var(name).unwrap_or_else(|_| "guest".to_owned());
        let (username, password) = (variable("RABBITMQ_USERNAME"), variable("RABBITMQ_PASSWORD"));
        let connection =
            Connection::open(&OpenConnectionArguments::new(host, port.parse()?, &username, &password)).await?;
        let channel = connection.open_channel(None).await?;

        // The exchange is Payments'. The queue is this subscriber's: the only thing that it creates.
        let passive = ExchangeDeclareArguments::new(exchange, "topic").passive(true).finish();
        channel.exchange_declare(passive).await.map_err(|error| {
            format!("no exchange {exchange} of type topic: {error}; the deployer of Payments creates it")
        })?;
        let declare = QueueDeclareArguments::durable_client_named(queue).arguments(arguments()?).finish();
        channel
            .queue_declare(declare)
            .await
            .map_err(|error| format!("no queue {queue}: {error}; it must not exist with other arguments"))?;
        channel.queue_bind(QueueBindArguments::new(queue, exchange, "#")).await?;

        channel.basic_qos(BasicQosArguments::new(0, PREFETCH, false)).await?;
        let (_, messages) = channel.basic_consume_rx(BasicConsumeArguments::new(queue, "")).await?;
        Ok(Self { queue: queue.to_owned(), channel, messages, last: None, _connection: connection })
    }

    /// Returns the number of messages that wait. Fails if the queue or the connection is gone.
    async fn waiting(&self) -> Result<u32, BoxError> {
        let passive = QueueDeclareArguments::new(&self.queue).passive(true).finish();
        let declared = self.channel.queue_declare(passive).await?;
        Ok(declared.ok_or("the broker did not describe the queue")?.1)
    }
}

/// Arguments of the queue. A single active consumer keeps the order if a second process is started.
fn arguments() -> Result<FieldTable, BoxError> {
    let mut table = FieldTable::new();
    table.insert("x-queue-type".try_into()?, "quorum".into());
    table.insert("x-delivery-limit".try_into()?, FieldValue::l(DELIVERY_LIMIT));
    table.insert("x-single-active-consumer".try_into()?, true.into());
    Ok(table)
}

impl Source for RabbitMq {
    async fn next(&mut self) -> Result<Batch, BoxError> {
        let Ok(first) = timeout(IDLE, self.messages.recv()).await else {
            return Ok(Batch { is_latest: self.waiting().await? == 0, ..Batch::default() });
        };
        let mut next = Some(first.ok_or("the broker ended the subscription")?);
        let mut batch = Batch::default();
        while let Some(message) = next {
            let tag = message.deliver.ok_or("a message without a delivery tag")?.delivery_tag();
            let place = format!("{}/{tag}", self.queue);
            batch.records.push(Record { place, data: message.content.unwrap_or_default() });
            self.last = Some(tag);
            next = self.messages.try_recv().ok();
        }
        Ok(batch)
    }

    async fn confirm(&mut self) -> Result<(), BoxError> {
        if let Some(last) = self.last.take() {
            self.channel.basic_ack(BasicAckArguments::new(last, true)).await?;
        }
        Ok(())
    }
}
