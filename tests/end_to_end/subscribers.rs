//! The second subscriber of `examples/` beside Orders, over each hub, without a change in Payments. It is a process of its
//! own, started late, killed and started again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;

use paystream_local::{Functions, HubKind, Profile, build_functions};
use paystream_tests::{Paystream, eur, workspace};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const PACKAGE: &str = "second-subscriber";

/// Binary of the subscriber, built once.
static BINARY: OnceLock<Functions> = OnceLock::new();

/// A subscriber with a state of its own.
struct Subscriber {
    directory: TempDir,
    /// Source of the records, as arguments.
    hub: Vec<String>,
    kinesis_url: String,
}

impl Subscriber {
    fn new(paystream: &Paystream, hub: &[&str]) -> Self {
        let hub = hub.iter().map(|argument| (*argument).to_owned()).collect();
        let kinesis_url = paystream.environment().kinesis_url().to_owned();
        Self { directory: tempfile::tempdir().unwrap(), hub, kinesis_url }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, options: &[&str]) -> Command {
        let binary =
            BINARY.get_or_init(|| build_functions(&workspace(), Profile::own(), &[PACKAGE.to_owned()]).unwrap());
        let mut command = Command::new(binary.get(PACKAGE).unwrap());
        command.arg(self.path("state")).args(options).args(&self.hub).kill_on_drop(true);
        let output = File::options().create(true).append(true).open(self.path("output")).unwrap();
        command.stdin(Stdio::null()).stdout(output);
        let aws = [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
        command.envs(aws).env("AWS_ENDPOINT_URL_KINESIS", &self.kinesis_url);
        command
    }

    /// Starts the subscriber. It follows until it is killed.
    fn follow(&self) -> Child {
        self.command(&[]).spawn().unwrap()
    }

    /// Runs the subscriber until it has caught up.
    async fn catch_up(&self) {
        assert!(self.command(&["--once"]).status().await.unwrap().success());
    }

    /// Returns the state, or `null` before the first start.
    fn state(&self) -> Value {
        fs::read(self.path("state")).map_or(Value::Null, |state| serde_json::from_slice(&state).unwrap())
    }

    /// Waits until the subscriber has this version of a payment.
    async fn receives(&self, payment: &Value) {
        let (id, version) = (payment["payment_id"].as_str().unwrap(), &payment["version"]);
        Paystream::eventually(&format!("the subscriber has {id}:{version}"), async || {
            (self.state()["ledger"]["progress"][id]["version"] == *version).then_some(())
        })
        .await;
    }

    /// Waits until the queue of the subscriber is bound, or its first read has begun: it has stored a state.
    async fn has_started(&self) {
        Paystream::eventually("the subscriber has a state", async || self.path("state").exists().then_some(())).await;
    }

    /// Movements of a payment, as `version action amount`, in their order.
    fn movements(&self, payment: &Value) -> Vec<String> {
        let id = payment["payment_id"].as_str().unwrap();
        let state = self.state();
        let movements = state["ledger"]["movements"].as_array().unwrap().iter().filter_map(|movement| {
            let version = movement["event_id"].as_str().unwrap().strip_prefix(&format!("{id}:"))?;
            let transition = &movement["transition"];
            Some(format!("{version} {} {}", transition["action"].as_str().unwrap(), transition["amount_minor"]))
        });
        movements.collect()
    }

    /// Versions of each payment, in the order in which they were first received by all processes of the subscriber.
    fn received(&self) -> BTreeMap<String, Vec<u64>> {
        let mut received: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for line in fs::read_to_string(self.path("output")).unwrap().lines() {
            let Some(event) = line.strip_prefix("received ") else { continue };
            let (id, version) = event.split(' ').next().unwrap().rsplit_once(':').unwrap();
            let (versions, version) = (received.entry(id.to_owned()).or_default(), version.parse().unwrap());
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        received
    }
}

/// A payment of 1299, and its changes.
struct Payment<'a> {
    paystream: &'a Paystream,
    order_id: String,
    last: Value,
}

impl<'a> Payment<'a> {
    async fn make(paystream: &'a Paystream) -> Self {
        let order_id = paystream.name("ord");
        let last = paystream.pay(&order_id, &eur(1299), "tok_approve").await;
        Self { paystream, order_id, last }
    }

    async fn change(&mut self, action: &str, body: Value) {
        let path = format!("/payments/{}/{action}", self.last["payment_id"].as_str().unwrap());
        self.last = self.paystream.post(&path, &body).await.expect(200);
    }

    async fn capture(&mut self) {
        self.change("capture", json!({})).await;
    }

    async fn refund(&mut self, minor: i64) {
        self.change("refund", json!({ "amount": eur(minor) })).await;
    }

    /// Waits until Orders and the subscriber have the last version.
    async fn arrives(&self, subscriber: &Subscriber) {
        self.paystream.payment_arrives(&self.order_id, &self.last).await;
        subscriber.receives(&self.last).await;
    }

    fn id(&self) -> String {
        self.last["payment_id"].as_str().unwrap().to_owned()
    }
}

/// Follows an early payment, of whose four versions the last is made after the start, and a later one. The subscriber is
/// killed between versions of the later one. Returns both payments.
async fn pay_before_and_after_the_start<'a>(
    paystream: &'a Paystream,
    subscriber: &Subscriber,
) -> (Payment<'a>, Payment<'a>) {
    let mut early = Payment::make(paystream).await;
    early.capture().await;
    early.refund(300).await;
    // The relay has published it before a queue is bound.
    paystream.payment_arrives(&early.order_id, &early.last).await;

    let mut following = subscriber.follow();
    subscriber.has_started().await;
    early.refund(999).await;
    let mut later = Payment::make(paystream).await;
    // It may be killed at any point.
    following.kill().await.unwrap();
    later.capture().await;
    let mut following = subscriber.follow();
    later.refund(1000).await;
    later.arrives(subscriber).await;
    following.kill().await.unwrap();
    later.refund(299).await;
    paystream.payment_arrives(&later.order_id, &later.last).await;
    let _following = subscriber.follow();
    later.arrives(subscriber).await;
    (early, later)
}

const LATER: [&str; 3] = ["2 capture 1299", "3 refund 1000", "4 refund 299"];

/// Checks the subscriber of a hub that retains records: it has the past, too.
async fn has_every_version(subscriber: &Subscriber, early: &Payment<'_>, later: &Payment<'_>) {
    early.arrives(subscriber).await;
    assert_eq!(subscriber.movements(&early.last), ["2 capture 1299", "3 refund 300", "4 refund 999"]);
    assert_eq!(subscriber.movements(&later.last), LATER);
    let all = vec![1, 2, 3, 4];
    assert_eq!(subscriber.received(), [(early.id(), all.clone()), (later.id(), all)].into());
}

/// A name on the broker that no other test uses.
fn own_name() -> String {
    format!("test-{}", std::iter::repeat_with(fastrand::lowercase).take(12).collect::<String>())
}

#[tokio::test]
async fn a_second_subscriber_of_kinesis_has_every_version_from_the_oldest_record_on() {
    let paystream = Paystream::start().await;
    let subscriber = Subscriber::new(&paystream, &["kinesis", "PaymentStream"]);
    let (early, later) = pay_before_and_after_the_start(&paystream, &subscriber).await;
    has_every_version(&subscriber, &early, &later).await;

    // Everything again, and a record that is not an event: nothing moves twice, and nothing is blocked.
    paystream.command(&["replay"]).await.text(0);
    paystream.put_on_stream(&later.order_id, b"not an event").await;
    let mut third = Payment::make(&paystream).await;
    third.capture().await;
    paystream.payment_arrives(&third.order_id, &third.last).await;
    let movements = subscriber.state()["ledger"]["movements"].clone();
    subscriber.catch_up().await;
    let state = subscriber.state();
    assert_eq!(state["ledger"]["movements"].as_array().unwrap().len(), movements.as_array().unwrap().len() + 1);
    assert_eq!(subscriber.movements(&third.last), ["2 capture 1299"]);
    assert_eq!(state["unreadable"][0]["data"], json!(b"not an event"));
}

#[tokio::test]
async fn a_second_subscriber_of_kafka_has_every_version_from_the_oldest_record_on() {
    let topic = &own_name();
    let Some(paystream) = Paystream::start_on(HubKind::Kafka, &[("KafkaTopic", topic)]).await else { return };
    let broker = std::env::var("PAYSTREAM_KAFKA").unwrap();
    let subscriber = Subscriber::new(&paystream, &["kafka", &broker, topic]);
    let (early, later) = pay_before_and_after_the_start(&paystream, &subscriber).await;
    has_every_version(&subscriber, &early, &later).await;
}

#[tokio::test]
async fn a_second_subscriber_of_rabbitmq_has_every_version_from_its_binding_on() {
    let exchange = &own_name();
    let parameters = [("RabbitMqExchange", exchange.as_str())];
    let Some(paystream) = Paystream::start_on(HubKind::RabbitMq, &parameters).await else { return };
    let (broker, queue) = (std::env::var("PAYSTREAM_RABBITMQ").unwrap(), own_name());
    let subscriber = Subscriber::new(&paystream, &["rabbitmq", &broker, exchange, &queue]);
    let (early, later) = pay_before_and_after_the_start(&paystream, &subscriber).await;
    early.arrives(&subscriber).await;
    // The exchange keeps nothing: three versions were published before the queue was bound.
    assert_eq!(subscriber.movements(&early.last), ["4 refund 999"]);
    assert_eq!(subscriber.movements(&later.last), LATER);
    assert_eq!(subscriber.received(), [(early.id(), vec![4]), (later.id(), vec![1, 2, 3, 4])].into());
}
