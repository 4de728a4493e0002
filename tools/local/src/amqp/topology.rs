//! Exchange, queue and binding, declared if they are missing, as a deployer would.

use tokio::net::tcp::OwnedWriteHalf;

use super::Method;
use super::connection::{self, Access, AmqpError, CHANNEL, FrameReader};
use super::fields::Arguments;

/// Returns of a message after which it is dead-lettered. RabbitMQ 4 has a default of 20, which an outage of a few
/// minutes reaches; without a limit, a quorum queue puts returned messages last.
const DELIVERY_LIMIT: i64 = 1_000_000;
/// Type of the dead-letter exchange: it takes every routing key.
const DEAD_LETTER_EXCHANGE_TYPE: &str = "fanout";
/// Suffix of the names of the dead-letter exchange and its queue.
const DEAD_LETTER_SUFFIX: &str = ".dead";
/// `durable`
const DURABLE: u8 = 0b10;
/// `passive`
const PASSIVE: u8 = 0b01;

const EXCHANGE_DECLARE: Method = Method::new(40, 10);
const EXCHANGE_DECLARE_OK: Method = Method::new(40, 11);
const QUEUE_BIND: Method = Method::new(50, 20);
const QUEUE_BIND_OK: Method = Method::new(50, 21);

/// Kind of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueueKind {
    /// Quorum queue with a delivery limit and dead-lettering at least once.
    #[default]
    Quorum,
    /// Classic queue. It has no delivery limit.
    Classic,
}

/// Exchange of a publisher, and the queue of a subscriber.
#[derive(Debug, Clone)]
pub(crate) struct Topology {
    /// Topic exchange.
    pub(crate) exchange: String,
    /// Queue that gets every message of the exchange.
    pub(crate) queue: String,
    pub(crate) kind: QueueKind,
}

impl Topology {
    /// Declares what is missing, durable; an existing exchange or queue stays as it is. The binding has the key `#`.
    ///
    /// A quorum queue gets a dead-letter exchange `<queue>.dead` (fanout) with a queue of the same name.
    pub(crate) async fn declare_missing(&self, access: &Access) -> Result<(), AmqpError> {
        let mut client = Client::open(access).await?;
        client.declare_exchange(&self.exchange, "topic").await?;
        if self.kind == QueueKind::Quorum {
            client.declare_quorum_queue(&self.queue, Some(DELIVERY_LIMIT)).await?;
        } else {
            client.declare_queue(&self.queue, &[("x-queue-type", Argument::Text("classic"))]).await?;
        }
        client.bind(&self.queue, &self.exchange).await
    }
}

/// Declares a quorum queue with another delivery limit than [`Topology::declare_missing`] gives it, or without one.
#[cfg(test)]
pub(crate) async fn declare_quorum_queue(
    access: &Access,
    name: &str,
    delivery_limit: Option<i64>,
) -> Result<(), AmqpError> {
    Client::open(access).await?.declare_quorum_queue(name, delivery_limit).await
}

/// Opens a connection and its channel, and closes them.
pub(crate) async fn check(access: &Access) -> Result<(), AmqpError> {
    connection::open(access).await.map(drop)
}

/// Argument of a queue.
enum Argument<'a> {
    Text(&'a str),
    Number(i64),
}

struct Client<'a> {
    access: &'a Access,
    reader: FrameReader,
    writer: OwnedWriteHalf,
}

impl<'a> Client<'a> {
    async fn open(access: &'a Access) -> Result<Self, AmqpError> {
        let (reader, writer) = connection::open(access).await?;
        Ok(Self { access, reader, writer })
    }

    async fn declare_exchange(&mut self, name: &str, kind: &str) -> Result<(), AmqpError> {
        let declare = |flags| {
            let arguments = Arguments::default().short(0).short_string(name)?.short_string(kind)?;
            Some(arguments.octet(flags).long(0))
        };
        self.declare_if_missing(EXCHANGE_DECLARE, EXCHANGE_DECLARE_OK, declare).await
    }

    async fn declare_queue(&mut self, name: &str, arguments: &[(&str, Argument<'_>)]) -> Result<(), AmqpError> {
        let mut table = Arguments::default();
        for (key, value) in arguments {
            table = encoded(table, key, value).ok_or(AmqpError::NameTooLong("the queue"))?;
        }
        let declare =
            |flags| Arguments::default().short(0).short_string(name)?.octet(flags).long_string(table.as_bytes());
        self.declare_if_missing(Method::QUEUE_DECLARE, Method::QUEUE_DECLARE_OK, declare).await
    }

    /// Declares a quorum queue with this delivery limit, a dead-letter exchange and its queue.
    async fn declare_quorum_queue(&mut self, name: &str, delivery_limit: Option<i64>) -> Result<(), AmqpError> {
        let dead = format!("{name}{DEAD_LETTER_SUFFIX}");
        self.declare_exchange(&dead, DEAD_LETTER_EXCHANGE_TYPE).await?;
        self.declare_queue(&dead, &[("x-queue-type", Argument::Text("quorum"))]).await?;
        self.bind(&dead, &dead).await?;
        let mut arguments = vec![
            ("x-queue-type", Argument::Text("quorum")),
            ("x-dead-letter-exchange", Argument::Text(&dead)),
            ("x-dead-letter-strategy", Argument::Text("at-least-once")),
            // Dead-lettering at least once needs it.
            ("x-overflow", Argument::Text("reject-publish")),
        ];
        arguments.extend(delivery_limit.map(|limit| ("x-delivery-limit", Argument::Number(limit))));
        self.declare_queue(name, &arguments).await
    }

    /// Looks passively first: declaring something that exists with other arguments is an error.
    async fn declare_if_missing(
        &mut self,
        method: Method,
        reply: Method,
        arguments: impl Fn(u8) -> Option<Arguments>,
    ) -> Result<(), AmqpError> {
        let with = |flags| arguments(flags).ok_or(AmqpError::NameTooLong("an exchange or queue"));
        match self.request(method, reply, &with(PASSIVE)?).await {
            Err(AmqpError::Refused(reason)) if reason.starts_with("404") => {
                // The refusal has closed the channel.
                *self = Self::open(self.access).await?;
                self.request(method, reply, &with(DURABLE)?).await
            }
            found => found,
        }
    }

    async fn bind(&mut self, queue: &str, exchange: &str) -> Result<(), AmqpError> {
        let arguments = Arguments::default()
            .short(0)
            .short_string(queue)
            .and_then(|arguments| arguments.short_string(exchange))
            .and_then(|arguments| arguments.short_string("#"));
        let arguments = arguments.ok_or(AmqpError::NameTooLong("an exchange or queue"))?.octet(0).long(0);
        self.request(QUEUE_BIND, QUEUE_BIND_OK, &arguments).await
    }

    async fn request(&mut self, method: Method, reply: Method, arguments: &Arguments) -> Result<(), AmqpError> {
        connection::send(&mut self.writer, CHANNEL, method, arguments).await?;
        self.reader.answer(reply).await.map(drop)
    }
}

fn encoded(table: Arguments, key: &str, value: &Argument<'_>) -> Option<Arguments> {
    let table = table.short_string(key)?;
    match value {
        Argument::Text(text) => table.octet(b'S').long_string(text.as_bytes()),
        Argument::Number(number) => Some(table.octet(b'l').long_long(number.cast_unsigned())),
    }
}
