//! RabbitMQ's exhausted retries: messages at the delivery limit of their queue. Skipped without the broker, whatever
//! `PAYSTREAM_HUB` is.

use std::collections::{BTreeMap, BTreeSet};

use amqprs::channel::{
    BasicGetArguments, Channel, ExchangeDeclareArguments, QueueBindArguments, QueueDeclareArguments,
};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::{FieldTable, FieldValue};
use paystream_local::{Effect, Fault, FaultTarget, HubKind, Options};
use paystream_tests::{Paystream, first_appearances};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::hub_outages::{PARAMETERS, RETRY, pay_for_orders};

/// Returns of a message, after which the queue dead-letters it.
const DELIVERY_LIMIT: i64 = 3;

const REDRIVE: [&str; 2] = ["failures", "dead-letters"];

/// Number of messages that the command published again, by its text.
fn published(text: &str) -> u32 {
    let number = text.split_once("published ").and_then(|(_, rest)| rest.split_once(' '));
    number.and_then(|(number, _)| number.parse().ok()).unwrap_or_else(|| panic!("no number of messages: {text}"))
}

/// Orders' queue with a low delivery limit, declared before the environment finds it, and its dead-letter queue.
struct LimitedQueue {
    name: String,
    channel: Channel,
    /// Events that were taken from the dead-letter queue.
    dead: Mutex<Vec<Value>>,
    _connection: Connection,
}

impl LimitedQueue {
    async fn declare(address: &str) -> Self {
        let (host, port) = address.rsplit_once(':').unwrap();
        let arguments = OpenConnectionArguments::new(host, port.parse().unwrap(), "guest", "guest");
        let connection = Connection::open(&arguments).await.unwrap();
        let channel = connection.open_channel(None).await.unwrap();
        let mark: String = std::iter::repeat_with(fastrand::lowercase).take(12).collect();
        let queue = Self { name: format!("limited-{mark}"), channel, dead: Mutex::default(), _connection: connection };
        let dead = queue.dead_letters();
        let mut exchange = ExchangeDeclareArguments::new(&dead, "fanout");
        queue.channel.exchange_declare(exchange.durable(true).finish()).await.unwrap();
        queue.declare_quorum_queue(&dead, []).await;
        queue.channel.queue_bind(QueueBindArguments::new(&dead, &dead, "")).await.unwrap();
        let arguments = [
            ("x-dead-letter-exchange", dead.as_str().into()),
            ("x-dead-letter-strategy", "at-least-once".into()),
            ("x-overflow", "reject-publish".into()),
            ("x-delivery-limit", FieldValue::l(DELIVERY_LIMIT)),
        ];
        queue.declare_quorum_queue(&queue.name, arguments).await;
        queue
    }

    /// Name of the dead-letter exchange and its queue, as the environment names them.
    fn dead_letters(&self) -> String {
        format!("{}.dead", self.name)
    }

    async fn declare_quorum_queue<const N: usize>(&self, name: &str, arguments: [(&str, amqprs::FieldValue); N]) {
        let mut table = FieldTable::new();
        for (key, value) in arguments.into_iter().chain([("x-queue-type", "quorum".into())]) {
            table.insert(key.try_into().unwrap(), value);
        }
        let declare = QueueDeclareArguments::durable_client_named(name).arguments(table).finish();
        self.channel.queue_declare(declare).await.unwrap();
    }

    /// Returns the versions that were dead-lettered until now, by payment.
    async fn dead_versions(&self) -> BTreeMap<String, BTreeSet<u64>> {
        let mut dead = self.dead.lock().await;
        let get = BasicGetArguments::new(&self.dead_letters()).no_ack(true).finish();
        while let Some((_, _, body)) = self.channel.basic_get(get.clone()).await.unwrap() {
            dead.push(serde_json::from_slice(&body).unwrap());
        }
        first_appearances(&dead).into_iter().map(|(id, versions)| (id, versions.into_iter().collect())).collect()
    }

    /// Waits until every version of every payment is in the dead-letter queue. Returns the number of its messages.
    async fn until_all_are_dead(&self, paystream: &Paystream) -> u32 {
        let versions: u64 = paystream.payment_versions().await.values().sum();
        Paystream::eventually("every version of every payment is in the dead-letter queue", async || {
            let is_drained = self.ready(&self.name).await == 0;
            (is_drained && u64::from(self.ready(&self.dead_letters()).await) >= versions).then_some(())
        })
        .await;
        self.ready(&self.dead_letters()).await
    }

    /// Redrives until the dead-letter queue has this many messages. It may receive a version twice, the second time late.
    async fn redrive_until(&self, paystream: &Paystream, left: u32) {
        Paystream::eventually("the other messages were published again", async || {
            paystream.command(&REDRIVE).await;
            (self.ready(&self.dead_letters()).await == left).then_some(())
        })
        .await;
    }

    /// Number of messages in a queue.
    async fn ready(&self, name: &str) -> u32 {
        let declare = QueueDeclareArguments::new(name).passive(true).finish();
        self.channel.queue_declare(declare).await.unwrap().unwrap().1
    }
}

/// Dead-letters a message of another producer, whose header is not UTF-8. Clients do not let a test write that, so this sends
/// the frames of AMQP 0-9-1.
async fn dead_letter_of_another_producer(address: &str, exchange: &str) {
    async fn send(stream: &mut TcpStream, kind: u8, channel: u16, payload: &[u8]) {
        let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
        stream.write_all(&[&[kind], &channel.to_be_bytes()[..], &size, payload, &[0xCE]].concat()).await.unwrap();
    }
    async fn reply(stream: &mut TcpStream) {
        let mut start = [0; 7];
        stream.read_exact(&mut start).await.unwrap();
        let size = u32::from_be_bytes(start[3..].try_into().unwrap());
        stream.read_exact(&mut vec![0; usize::try_from(size).unwrap() + 1]).await.unwrap();
    }
    let name = |name: &str| [&[u8::try_from(name.len()).unwrap()], name.as_bytes()].concat();
    let table = |fields: &[u8]| [&u32::try_from(fields.len()).unwrap().to_be_bytes(), fields].concat();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"AMQP\x00\x00\x09\x01").await.unwrap();
    reply(&mut stream).await;
    let start = [&[0, 10, 0, 11][..], &table(&[]), &name("PLAIN"), &table(b"\0guest\0guest"), &name("en_US")].concat();
    send(&mut stream, 1, 0, &start).await;
    reply(&mut stream).await;
    // Limits of channels and frames, no heartbeats.
    send(&mut stream, 1, 0, &[0, 10, 0, 31, 0, 1, 0, 2, 0, 0, 0, 0]).await;
    send(&mut stream, 1, 0, &[&[0, 10, 0, 40][..], &name("/"), &[0, 0]].concat()).await;
    reply(&mut stream).await;
    send(&mut stream, 1, 1, &[0, 20, 0, 10, 0]).await;
    reply(&mut stream).await;
    // Publisher confirms.
    send(&mut stream, 1, 1, &[0, 85, 0, 10, 0]).await;
    reply(&mut stream).await;
    send(&mut stream, 1, 1, &[&[0, 60, 0, 40, 0, 0][..], &name(exchange), &name("key"), &[0]].concat()).await;
    let headers = table(b"\x01kS\x00\x00\x00\x01\xe9");
    let size = 1_u64.to_be_bytes();
    send(&mut stream, 2, 1, &[&[0, 60, 0, 0][..], &size, &(1_u16 << 13).to_be_bytes(), &headers].concat()).await;
    send(&mut stream, 3, 1, b"x").await;
    reply(&mut stream).await;
}

/// A system whose projector fails, with a queue of a low delivery limit, and payments of three versions.
async fn start_failing(address: &str) -> (Paystream, LimitedQueue, Vec<(String, Value)>) {
    let queue = LimitedQueue::declare(address).await;
    let parameters = [PARAMETERS.as_slice(), &[("RabbitMqQueue", queue.name.as_str())]].concat();
    let retrying = |options| Options { retry: RETRY, ..options };
    let paystream = Paystream::start_at(HubKind::RabbitMq, address, &parameters, retrying).await;
    paystream.inject(Fault::new(FaultTarget::DynamoDb, Effect::error("InternalServerError")).from("OrderProjector"));
    let payments = pay_for_orders(&paystream, "ord").await;
    (paystream, queue, payments)
}

#[tokio::test]
async fn messages_at_the_delivery_limit_are_all_in_the_dead_letter_queue_and_a_repair_brings_their_payments_to_orders()
{
    let Some(address) = Paystream::broker_of(HubKind::RabbitMq) else { return };
    let (paystream, queue, payments) = start_failing(&address).await;
    let versions = paystream.payment_versions().await.into_iter();
    let accepted: BTreeMap<_, BTreeSet<_>> = versions.map(|(id, version)| (id, (1..=version).collect())).collect();
    Paystream::eventually("every version of every payment is in the dead-letter queue", async || {
        (queue.dead_versions().await == accepted).then_some(())
    })
    .await;
    paystream.heal();
    for (order_id, _) in &payments {
        let copies = paystream.get(&format!("/orders/{order_id}/payments")).await.expect(200);
        assert_eq!(copies["payments"], json!([]), "the queue delivers no message above its limit");
    }
    paystream.command(&["reconcile", "--grace", "0", "--repair", "--wait"]).await.text(0);
    for (order_id, payment) in &payments {
        paystream.payment_arrives(order_id, payment).await;
    }
    paystream.command(&["reconcile", "--grace", "0"]).await.text(0);
}

#[tokio::test]
async fn dead_lettered_messages_go_back_to_the_exchange_and_arrive() {
    let Some(address) = Paystream::broker_of(HubKind::RabbitMq) else { return };
    let (paystream, queue, payments) = start_failing(&address).await;
    let dead = queue.until_all_are_dead(&paystream).await;
    let would = paystream.command(&["failures", "dead-letters", "--dry-run", "--json"]).await.json(0);
    assert_eq!(would["dry_run"], true);
    assert!(would["dead_letters"]["messages"].as_u64() >= Some(dead.into()), "{dead}: {would}");
    assert!(queue.ready(&queue.dead_letters()).await >= dead, "a dry run takes nothing");
    paystream.heal();
    let redriven = paystream.command(&REDRIVE).await.text(0);
    let expected = format!(" messages of {} again\n", queue.dead_letters());
    assert!(published(&redriven) >= dead && redriven.ends_with(&expected), "{dead}: {redriven}");
    for (order_id, payment) in &payments {
        paystream.payment_arrives(order_id, payment).await;
    }
    queue.redrive_until(&paystream, 0).await;
    paystream.command(&["reconcile", "--grace", "0"]).await.text(0);
    let again = paystream.command(&REDRIVE).await.text(0);
    assert_eq!(again, format!("published 0 messages of {} again\n", queue.dead_letters()));
    let missing = paystream.command(&["failures", "dead-letters", "--queue", "none"]).await;
    missing.text(2);
    assert!(
        missing.stderr.contains("the queue none cannot be read") && missing.stderr.contains("--queue"),
        "{}",
        missing.stderr
    );
}

#[tokio::test]
async fn a_dead_lettered_message_that_cannot_be_read_is_named_and_stays_and_all_others_arrive() {
    let Some(address) = Paystream::broker_of(HubKind::RabbitMq) else { return };
    let (paystream, queue, payments) = start_failing(&address).await;
    let dead = queue.dead_letters();
    let before = queue.until_all_are_dead(&paystream).await;
    dead_letter_of_another_producer(&address, &dead).await;
    paystream.heal();
    let stopped = paystream.command(&REDRIVE).await;
    stopped.text(2);
    let expected = format!(" messages of {dead} again; a message cannot be read");
    assert!(stopped.stderr.contains(&expected) && stopped.stderr.contains("remove it"), "{}", stopped.stderr);
    assert!(published(&stopped.stderr) >= before, "{before}: {}", stopped.stderr);
    for (order_id, payment) in &payments {
        paystream.payment_arrives(order_id, payment).await;
    }
    // The message stays.
    queue.redrive_until(&paystream, 1).await;
}
