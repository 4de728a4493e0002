//! The mapping against a real broker: batches, windows, one consumer, redelivery, order, sizes and reconnection.

mod delivery;
mod failures;

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
