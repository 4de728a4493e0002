//! Mapping of RabbitMQ in a whole environment: a queue that the environment declares, and a real function.

use amqprs::BasicProperties;
use amqprs::channel::BasicPublishArguments;
use paystream_hubs::connect;
use paystream_local::{HubKind, Options};
use serde_json::json;

use crate::brokers::{connect_rabbitmq, name, rabbitmq};
use crate::harness::{Probe, options};

const MAPPING: &str = "DequeuingMessages";

#[tokio::test]
async fn a_missing_exchange_and_queue_are_declared_and_a_batch_that_fails_comes_again_until_it_succeeds() {
    let Some(broker) = rabbitmq() else { return };
    let (directory, queue) = (tempfile::tempdir().unwrap(), name());
    let hub = Some(connect(HubKind::RabbitMq, broker.parse().unwrap()).await.unwrap());
    let parameters = [("Hub", "rabbitmq"), ("Queue", queue.as_str()), ("BatchSize", "3"), ("BatchingWindow", "300")];
    let options = options(directory.path(), &parameters);
    let probe = Probe::start_in(directory, Options { hub, ..options }).await;
    let connection = connect_rabbitmq(&broker).await.unwrap();
    let channel = connection.open_channel(None).await.unwrap();
    for (number, action) in [(1, "ok"), (2, "fail-once"), (3, "ok")] {
        let body = json!({"n": number, "do": action}).to_string().into_bytes();
        let arguments = BasicPublishArguments::new(&queue, "order");
        channel.basic_publish(BasicProperties::default(), body, arguments).await.unwrap();
    }
    let handled = async || probe.event_source(MAPPING).await.records == 3;
    probe.eventually("the messages are handled", handled).await;
    assert_eq!(probe.journal("queue"), [[1, 2, 3], [1, 2, 3]]);
    let status = probe.event_source(MAPPING).await;
    assert_eq!((status.function.as_str(), status.batches, status.retries, status.failures), ("Dequeuing", 2, 1, 1));
    assert!(status.stream_arn.ends_with(":broker:probe:b-1"), "{status:?}");
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_an_error_that_says_how_to_start_one() {
    let error = connect(HubKind::RabbitMq, "127.0.0.1:1".parse().unwrap()).await.unwrap_err().to_string();
    assert!(error.starts_with("no RabbitMQ answers at 127.0.0.1:1: "), "{error}");
    assert!(error.contains("`hubs/host/rabbitmq start`"), "{error}");
}
