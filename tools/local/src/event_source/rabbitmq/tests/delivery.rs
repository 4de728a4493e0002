//! Events, batches, sizes and headers.

use super::*;

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
async fn an_existing_exchange_and_queue_stay_as_they_are() {
    let Some(broker) = broker() else { return };
    let mapped = Mapped::start(&broker, Setting { kind: QueueKind::Classic, ..Setting::default() }).await;
    let topology = Topology { exchange: mapped.queue.clone(), queue: mapped.queue.clone(), kind: QueueKind::Quorum };
    topology.declare_missing(&mapped.access).await.unwrap();
    mapped.publish(&texts(&["a"])).await;
    mapped.drained().await;
    assert_eq!(mapped.batches(), [["a"]]);
}
