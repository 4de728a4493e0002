//! The mapping against a real broker: batches, windows, one consumer, redelivery, order, sizes and reconnection.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Notify;
use uuid::Uuid;

use super::*;
use crate::amqp::publish::{self, Published};
use crate::amqp::{Consumer, ConsumerBounds, ConsumerEvent, QueueKind, Topology, declare_quorum_queue};
use crate::filters::{Filters, RecordKind};
use crate::hub_proxy::{Broker, BrokerProxy};
use crate::lambda::PAYLOAD_BYTES_MAX;
use crate::template::{MappingSource, StartingPosition};
use crate::{Effect, Fault, FaultTarget};

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(10);

/// Reply of a test function to one invocation.
#[derive(Debug, Clone, Copy)]
enum Reply {
    Succeed,
    Fail,
    /// Fails when the test releases it.
    FailWhenReleased,
    Throttle,
}

/// Function that records its events and replies as told; it succeeds once nothing is left to reply.
#[derive(Clone, Default)]
pub(crate) struct TestFunction {
    state: Arc<Mutex<TestFunctionState>>,
    released: Arc<Notify>,
}

#[derive(Default)]
struct TestFunctionState {
    replies: VecDeque<Reply>,
    events: Vec<Value>,
}

impl TestFunction {
    pub(super) async fn invoke(&self, event: &str) -> Result<(), InvokeError> {
        let reply = self.state.lock().replies.pop_front().unwrap_or(Reply::Succeed);
        if matches!(reply, Reply::Throttle) {
            return Err(InvokeError::Throttled);
        }
        self.state.lock().events.push(serde_json::from_str(event).unwrap());
        if matches!(reply, Reply::FailWhenReleased) {
            self.released.notified().await;
        }
        match reply {
            Reply::Fail | Reply::FailWhenReleased => {
                Err(InvokeError::Function { error_type: "Boom".to_owned(), message: "as told".to_owned() })
            }
            Reply::Succeed | Reply::Throttle => Ok(()),
        }
    }
}

/// A mapping of a queue of its own on the broker that `PAYSTREAM_RABBITMQ` names.
struct Mapped {
    mapping: Arc<RabbitMqMapping>,
    function: TestFunction,
    access: Access,
    queue: String,
    log: Arc<Mutex<Vec<String>>>,
    stop: CancellationToken,
    draining: CancellationToken,
}

/// Returns the broker's address; `None`, and the reason on standard output, if the test is to be skipped.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn broker() -> Option<String> {
    let address = std::env::var("PAYSTREAM_RABBITMQ").ok();
    if address.is_none() {
        eprintln!("skipped: PAYSTREAM_RABBITMQ is not set; hubs/host/rabbitmq start sets it");
    }
    address
}

#[derive(Debug, Clone, Copy)]
enum DeliveryLimit {
    OfEnvironment,
    Of(i64),
    Missing,
}

struct Setting {
    kind: QueueKind,
    /// Delivery limit of a quorum queue.
    delivery_limit: DeliveryLimit,
    returns: RabbitMqReturn,
    batch_size: usize,
    window: Duration,
    replies: Vec<Reply>,
    /// Messages that are in the queue before the mapping starts.
    messages: Vec<Published>,
    /// Connects through this address instead of the broker's.
    address: Option<String>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            kind: QueueKind::Quorum,
            delivery_limit: DeliveryLimit::OfEnvironment,
            returns: RabbitMqReturn::Nack,
            batch_size: 100,
            window: Duration::ZERO,
            replies: Vec::new(),
            messages: Vec::new(),
            address: None,
        }
    }
}

impl Mapped {
    async fn start(broker: &str, setting: Setting) -> Self {
        let name = format!("test-{}", Uuid::new_v4().simple());
        let access = Access {
            address: broker.to_owned(),
            virtual_host: "/".to_owned(),
            username: "guest".to_owned(),
            password: "guest".to_owned(),
        };
        match setting.delivery_limit {
            // The environment declares the queue below.
            DeliveryLimit::OfEnvironment => {}
            DeliveryLimit::Of(limit) => declare_quorum_queue(&access, &name, Some(limit)).await.unwrap(),
            DeliveryLimit::Missing => declare_quorum_queue(&access, &name, None).await.unwrap(),
        }
        let topology = Topology { exchange: name.clone(), queue: name.clone(), kind: setting.kind };
        topology.declare_missing(&access).await.unwrap();
        publish::to_exchange(&access, &name, &setting.messages).await.unwrap();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let lines = Arc::clone(&log);
        let (stop, draining) = (CancellationToken::new(), CancellationToken::new());
        let function = TestFunction::default();
        function.state.lock().replies = setting.replies.into();
        let source = RabbitMqSource {
            broker_arn: "arn:b".to_owned(),
            queue: name.clone(),
            virtual_host: "/".to_owned(),
            secret_arn: "arn:s".to_owned(),
        };
        let (drained, questions) = mpsc::channel(1);
        let mapping = RabbitMqMapping {
            spec: MappingSpec {
                id: "OrderProjectorRabbitMqPayments".to_owned(),
                line: 1,
                function: "OrderProjector".to_owned(),
                source: MappingSource::RabbitMq(source.clone()),
                starting_position: StartingPosition::TrimHorizon,
                batch_size: setting.batch_size,
                batching_window: setting.window,
                parallelization_factor: 1,
                filters: Filters::new(RecordKind::Kinesis),
                bisect: false,
                retries_max: None,
                record_age_max: None,
                reports_item_failures: false,
                on_failure: None,
                enabled: true,
            },
            source,
            access: Access { address: setting.address.unwrap_or_else(|| broker.to_owned()), ..access.clone() },
            simulation: RabbitMqSimulation { returns: setting.returns, queue: setting.kind },
            function: Invoked::Test(function.clone()),
            progress: MappingProgress::new("OrderProjectorRabbitMqPayments", None),
            retry: RetryDelays { first: Duration::from_millis(5), most: Duration::from_millis(20) },
            log: LogSink::new(move |line| lines.lock().push(line.to_owned())),
            stop: stop.clone(),
            draining: draining.clone(),
            drained,
            questions: Mutex::new(Some(questions)),
        };
        let mapping = Arc::new(mapping);
        mapping.start();
        Self { mapping, function, access, queue: name, log, stop, draining }
    }

    async fn publish(&self, messages: &[Published]) {
        publish::to_exchange(&self.access, &self.queue, messages).await.unwrap();
    }

    /// Bodies of the messages of each invocation.
    fn batches(&self) -> Vec<Vec<String>> {
        self.function.state.lock().events.iter().map(|event| messages_of(event).iter().map(body).collect()).collect()
    }

    fn messages(&self) -> Vec<Value> {
        self.function.state.lock().events.iter().flat_map(messages_of).collect()
    }

    async fn eventually(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let waiting = async {
            while !is_so().await {
                tokio::time::sleep(POLL).await;
            }
        };
        let is_so = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(
            is_so,
            "never: {what}\n{:?}\n{:#?}\n{}",
            self.batches(),
            self.mapping.status(),
            self.log.lock().join("\n")
        );
    }

    async fn drained(&self) {
        self.eventually("it is drained", async || self.mapping.is_drained().await).await;
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn messages_of(event: &Value) -> Vec<Value> {
    let queues = event["rmqMessagesByQueue"].as_object().unwrap();
    queues.values().flat_map(|messages| messages.as_array().unwrap().clone()).collect()
}

fn body(message: &Value) -> String {
    use base64::Engine;
    let data = base64::engine::general_purpose::STANDARD.decode(message["data"].as_str().unwrap()).unwrap();
    String::from_utf8_lossy(&data[..data.len().min(20)]).into_owned()
}

fn texts(texts: &[&str]) -> Vec<Published> {
    texts.iter().map(|text| Published { body: text.as_bytes().to_vec(), ..Published::default() }).collect()
}

#[tokio::test]
async fn a_message_of_rabbitmq_is_delivered_and_acknowledged_after_success() {
    let Some(broker) = broker() else { return };
    let mapped = Mapped::start(&broker, Setting::default()).await;
    mapped.publish(&texts(&["a"])).await;
    mapped.drained().await;
    assert_eq!(mapped.batches(), [["a"]]);
    let event = mapped.function.state.lock().events[0].clone();
    assert_eq!((&event["eventSource"], &event["eventSourceArn"]), (&"aws:rmq".into(), &"arn:b".into()));
    let message = &event["rmqMessagesByQueue"][format!("{}::/", mapped.queue)][0];
    assert_eq!((&message["redelivered"], &message["basicProperties"]["bodySize"]), (&false.into(), &1.into()));
    let status = mapped.mapping.status();
    assert_eq!((status.records, status.batches, status.failures, status.given_up), (1, 1, 0, 0));
}

#[tokio::test]
async fn batches_of_rabbitmq_have_the_batch_size_and_are_delivered_one_at_a_time_in_order() {
    let Some(broker) = broker() else { return };
    let names = ["a", "b", "c", "d", "e"];
    // The window keeps a batch open until it is full; draining delivers the rest.
    let window = Duration::from_mins(5);
    let setting = Setting { batch_size: 2, window, messages: texts(&names), ..Setting::default() };
    let mapped = Mapped::start(&broker, setting).await;
    mapped.eventually("two batches are full", async || mapped.batches().len() == 2).await;
    assert!(!mapped.mapping.is_drained().await, "a message waits for its window");
    mapped.draining.cancel();
    mapped.drained().await;
    assert_eq!(mapped.batches(), [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
}

#[tokio::test]
async fn a_batching_window_of_rabbitmq_ends_a_batch_that_is_not_full() {
    let Some(broker) = broker() else { return };
    let setting = Setting { window: Duration::from_millis(50), messages: texts(&["a"]), ..Setting::default() };
    let mapped = Mapped::start(&broker, setting).await;
    mapped.drained().await;
    assert_eq!(mapped.batches(), [["a"]]);
}

/// The whole batch comes again, marked, and in order if it was all that the mapping had.
async fn a_failed_batch_is_redelivered(kind: QueueKind, returns: RabbitMqReturn) {
    let Some(broker) = broker() else { return };
    let names = ["a", "b", "c", "d", "e"];
    let setting = Setting {
        kind,
        returns,
        batch_size: 5,
        window: Duration::from_mins(5),
        replies: vec![Reply::Fail, Reply::Throttle, Reply::Fail],
        messages: texts(&names),
        ..Setting::default()
    };
    let mapped = Mapped::start(&broker, setting).await;
    mapped.drained().await;
    assert_eq!(mapped.batches(), [names, names, names], "{kind:?} {returns:?}");
    let redelivered: Vec<bool> = mapped.messages().iter().map(|message| message["redelivered"] == true).collect();
    assert_eq!(redelivered, [[false; 5], [true; 5], [true; 5]].concat());
    let status = mapped.mapping.status();
    assert_eq!((status.records, status.batches, status.retries, status.failures), (5, 3, 2, 2));
    let log = mapped.log.lock().join("\n");
    assert_eq!(log.matches("batch of 5 messages failed and will be redelivered: Boom: as told").count(), 2, "{log}");
}

#[tokio::test]
async fn a_failed_batch_of_rabbitmq_is_redelivered_whole_and_in_order_by_nack_on_a_quorum_queue() {
    a_failed_batch_is_redelivered(QueueKind::Quorum, RabbitMqReturn::Nack).await;
}

#[tokio::test]
async fn a_failed_batch_of_rabbitmq_is_redelivered_whole_and_in_order_by_reject_on_a_quorum_queue() {
    a_failed_batch_is_redelivered(QueueKind::Quorum, RabbitMqReturn::Reject).await;
}

#[tokio::test]
async fn a_failed_batch_of_rabbitmq_is_redelivered_whole_and_in_order_by_nack_on_a_classic_queue() {
    a_failed_batch_is_redelivered(QueueKind::Classic, RabbitMqReturn::Nack).await;
}

#[tokio::test]
async fn a_failed_batch_of_rabbitmq_is_redelivered_whole_and_in_order_by_reject_on_a_classic_queue() {
    a_failed_batch_is_redelivered(QueueKind::Classic, RabbitMqReturn::Reject).await;
}

/// Messages that the broker has sent while the function runs are delivered before a batch that fails meanwhile.
async fn a_failed_batch_comes_after_the_messages_taken_ahead(kind: QueueKind) {
    let Some(broker) = broker() else { return };
    let replies = vec![Reply::FailWhenReleased];
    let setting = Setting { kind, batch_size: 3, replies, messages: texts(&["a"]), ..Setting::default() };
    let mapped = Mapped::start(&broker, setting).await;
    mapped.eventually("the function has the first message", async || mapped.batches() == [["a"]]).await;
    mapped.publish(&texts(&["b", "c"])).await;
    let ready = async || publish::ready_messages(&mapped.access, &mapped.queue).await.unwrap();
    mapped.eventually("the mapping has the later messages", async || ready().await == 0).await;
    mapped.function.released.notify_one();
    mapped.drained().await;
    assert_eq!(mapped.batches().concat(), ["a", "b", "c", "a"], "{kind:?}");
    let redelivered: Vec<bool> = mapped.messages().iter().map(|message| message["redelivered"] == true).collect();
    assert_eq!(redelivered, [false, false, false, true]);
}

#[tokio::test]
async fn messages_that_are_taken_ahead_come_before_a_failed_batch_on_a_quorum_queue() {
    a_failed_batch_comes_after_the_messages_taken_ahead(QueueKind::Quorum).await;
}

#[tokio::test]
async fn messages_that_are_taken_ahead_come_before_a_failed_batch_on_a_classic_queue() {
    a_failed_batch_comes_after_the_messages_taken_ahead(QueueKind::Classic).await;
}

#[tokio::test]
async fn more_failures_than_the_default_delivery_limit_of_rabbitmq_4_lose_nothing() {
    let Some(broker) = broker() else { return };
    let replies = vec![Reply::Fail; 25];
    let mapped = Mapped::start(&broker, Setting { replies, messages: texts(&["a", "b"]), ..Setting::default() }).await;
    mapped.drained().await;
    assert_eq!(mapped.mapping.status().records, 2, "{:?}", mapped.batches());
    assert_eq!(mapped.batches().len(), 26);
}

/// A batch of three of five messages is returned.
async fn bodies_if_the_first_batch_fails(broker: &str, delivery_limit: DeliveryLimit) -> Vec<String> {
    let messages = texts(&["a", "b", "c", "d", "e"]);
    let setting = Setting { delivery_limit, batch_size: 3, replies: vec![Reply::Fail], messages, ..Setting::default() };
    let mapped = Mapped::start(broker, setting).await;
    mapped.drained().await;
    mapped.batches().concat()
}

#[tokio::test]
async fn a_quorum_queue_without_a_delivery_limit_puts_returned_messages_last() {
    let Some(broker) = broker() else { return };
    let without = bodies_if_the_first_batch_fails(&broker, DeliveryLimit::Missing).await;
    assert_eq!(without, ["a", "b", "c", "d", "e", "a", "b", "c"]);
    let with = bodies_if_the_first_batch_fails(&broker, DeliveryLimit::OfEnvironment).await;
    assert_eq!(with, ["a", "b", "c", "a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn messages_that_reach_the_delivery_limit_are_dead_lettered_and_later_ones_are_delivered() {
    let Some(broker) = broker() else { return };
    let names = ["a", "b", "c"];
    // A limit of two returns: the third one moves the message.
    let setting = Setting {
        delivery_limit: DeliveryLimit::Of(2),
        replies: vec![Reply::Fail; 3],
        messages: texts(&names),
        batch_size: 3,
        window: Duration::from_mins(5),
        ..Setting::default()
    };
    let mapped = Mapped::start(&broker, setting).await;
    let dead = format!("{}.dead", mapped.queue);
    let ready = async || publish::ready_messages(&mapped.access, &dead).await.unwrap();
    mapped.eventually("all messages are in the dead-letter queue", async || ready().await == 3).await;
    mapped.publish(&texts(&["d", "e", "f"])).await;
    mapped.eventually("the later messages are delivered", async || mapped.mapping.status().records == 3).await;
    assert_eq!(mapped.batches(), [names, names, names, ["d", "e", "f"]]);
    let bounds = ConsumerBounds { prefetch: 4, body_bytes_max: 1 };
    let mut consumer = Consumer::open(&mapped.access, &dead, bounds).await.unwrap();
    let mut moved = Vec::new();
    for _ in names {
        let ConsumerEvent::Delivery(delivery) = consumer.next().await.unwrap() else { panic!("no delivery") };
        moved.push(String::from_utf8(delivery.body.unwrap()).unwrap());
    }
    assert_eq!(moved, names);
}

#[tokio::test]
async fn a_message_of_rabbitmq_above_6_mb_is_dropped_with_a_warning_and_a_count_and_the_next_one_is_delivered() {
    let Some(broker) = broker() else { return };
    let large = |bytes: usize| Published { body: vec![b'x'; bytes], ..Published::default() };
    // Base64 adds a third, so the limit of the event is that of 4.5 MB of data.
    let fits = PAYLOAD_BYTES_MAX / 4 * 3 - 1024;
    let messages = vec![large(PAYLOAD_BYTES_MAX + 1), large(PAYLOAD_BYTES_MAX / 4 * 3), large(fits), large(1)];
    let mapped = Mapped::start(&broker, Setting { messages, ..Setting::default() }).await;
    mapped.drained().await;
    let sizes: Vec<Value> =
        mapped.messages().iter().map(|message| message["basicProperties"]["bodySize"].clone()).collect();
    assert_eq!(sizes, [Value::from(fits), Value::from(1)]);
    let status = mapped.mapping.status();
    assert_eq!((status.records, status.given_up), (2, 2));
    let log = mapped.log.lock().join("\n");
    assert!(log.contains("dropped a message of 6291457 bytes: its event is larger than Lambda's 6 MB"), "{log}");
}

#[tokio::test]
async fn headers_of_another_producer_that_are_not_text_block_nobody() {
    let Some(broker) = broker() else { return };
    let headers = b"\x01kS\x00\x00\x00\x02h\xe9\x01nI\x00\x00\x00\x0a".to_vec();
    let strange = Published { body: vec![0xff], headers: Some(headers) };
    let messages = [vec![strange], texts(&["b"])].concat();
    let mapped = Mapped::start(&broker, Setting { messages, ..Setting::default() }).await;
    mapped.drained().await;
    let message = &mapped.messages()[0];
    assert_eq!(message["basicProperties"]["headers"], serde_json::json!({"k": {"bytes": [104, -23]}, "n": 10}));
    assert_eq!(message["data"], "/w==");
    assert_eq!(mapped.mapping.status().records, 2);
}

#[tokio::test]
async fn a_mapping_of_rabbitmq_reconnects_and_messages_without_acknowledgement_come_again() {
    let Some(broker) = broker() else { return };
    let proxy = BrokerProxy::new(Broker::RabbitMq, &broker);
    let address = Some(proxy.address_for("mapping").unwrap());
    // The connection breaks twice before it is open, and then before the acknowledgement reaches the broker.
    let reset = |operation: &str| Fault::new(FaultTarget::RabbitMq, Effect::reset_before()).operation(operation);
    proxy.inject(reset("Connect").count(1)).unwrap();
    proxy.inject(reset("Consume").count(1)).unwrap();
    proxy.inject(reset("Ack").count(1)).unwrap();
    let mapped = Mapped::start(&broker, Setting { address, messages: texts(&["a"]), ..Setting::default() }).await;
    mapped.drained().await;
    assert_eq!(mapped.batches(), [["a"], ["a"]]);
    assert_eq!(mapped.messages()[1]["redelivered"], true);
    assert!(proxy.faults().iter().all(|fault| fault.struck == 1), "{:?}", proxy.faults());
    assert_eq!(mapped.log.lock().iter().filter(|line| line.contains("connecting again")).count(), 3);
}

#[tokio::test]
async fn a_missing_queue_or_wrong_credentials_are_named_in_the_log_and_tried_again() {
    let Some(broker) = broker() else { return };
    let mapped = Mapped::start(&broker, Setting::default()).await;
    let wrong = Access { password: "wrong".to_owned(), ..mapped.access.clone() };
    let refused = Consumer::open(&wrong, &mapped.queue, ConsumerBounds { prefetch: 1, body_bytes_max: 1 }).await;
    let refused = refused.err().unwrap().to_string();
    assert!(refused.starts_with("RabbitMQ refused: 403 ACCESS_REFUSED"), "{refused}");
    mapped.publish(&texts(&["a"])).await;
    mapped.drained().await;
    // The consumer is told when its queue is deleted, and goes on when it is there again.
    publish::delete_queue(&mapped.access, &mapped.queue).await.unwrap();
    let logged = async |text: &str| mapped.log.lock().iter().any(|line| line.contains(text));
    mapped.eventually("the deletion is noticed", async || logged("the queue was deleted").await).await;
    mapped.eventually("the missing queue is named", async || logged("404 NOT_FOUND - no queue").await).await;
    let topology = Topology { exchange: mapped.queue.clone(), queue: mapped.queue.clone(), kind: QueueKind::default() };
    topology.declare_missing(&mapped.access).await.unwrap();
    mapped.publish(&texts(&["b"])).await;
    mapped.drained().await;
    assert_eq!(mapped.batches(), [["a"], ["b"]]);
}

#[tokio::test]
async fn an_existing_exchange_and_queue_stay_as_they_are() {
    let Some(broker) = broker() else { return };
    let mapped = Mapped::start(&broker, Setting { kind: QueueKind::Classic, ..Setting::default() }).await;
    let topology = Topology { exchange: mapped.queue.clone(), queue: mapped.queue.clone(), kind: QueueKind::Quorum };
    topology.declare_missing(&mapped.access).await.unwrap();
    mapped.publish(&texts(&["a"])).await;
    mapped.drained().await;
    assert_eq!(mapped.batches(), [["a"]]);
}
