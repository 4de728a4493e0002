//! Redelivery and its order, delivery limits, and connections that break.

use super::*;

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
