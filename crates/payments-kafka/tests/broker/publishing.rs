//! Order, partitions, and records that the topic does not accept.

use std::collections::BTreeMap;

use payment_events::PaymentEvent;
use payments::{EventPublisher, PublishError};
use payments_kafka::partition_of;

use crate::support::{Topic, broker, cause, events, first_versions, produce_with_java, publish, publisher};

#[tokio::test]
async fn events_are_in_order_in_the_partition_of_their_order_id() {
    let Some(broker) = broker("PAYSTREAM_KAFKA") else { return };
    let topic = Topic::create(&broker, 3).await;
    let publisher = publisher(topic.config());
    publisher.connect().await;
    // More than one request for a partition.
    let payments = 0..700;
    let all: Vec<PaymentEvent> =
        payments.clone().flat_map(|n| events(&format!("ord-{}", n % 40), &format!("pay_{n}"))).collect();
    publish(&publisher, &all).await;
    let mut versions: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (record, event) in topic.records().await {
        let payment = event.payment();
        assert_eq!(record.key, payment.order_id.as_str());
        assert_eq!(record.partition, partition_of(record.key.as_bytes(), 3));
        assert_eq!(record.headers, [("content-type".to_owned(), b"application/cloudevents+json".to_vec())]);
        let versions = versions.entry(payment.payment_id.to_string()).or_default();
        // Duplicates may follow.
        if !versions.contains(&payment.version) {
            versions.push(payment.version);
        }
    }
    let expected = payments.map(|n| (format!("pay_{n}"), vec![1, 2, 3])).collect();
    assert_eq!(versions, expected, "first appearances are in order");
}

#[tokio::test]
async fn partitions_are_those_that_javas_producer_chooses() {
    let Some(broker) = broker("PAYSTREAM_KAFKA") else { return };
    let topic = Topic::create(&broker, 7).await;
    let keys: Vec<_> = (0..50).map(|n| format!("ord-{}{n}", "x".repeat(n % 9))).collect();
    produce_with_java(&topic, &keys);
    let chosen: BTreeMap<_, _> = topic.raw().await.into_iter().map(|record| (record.key, record.partition)).collect();
    let expected = keys.into_iter().map(|key| (key.clone(), partition_of(key.as_bytes(), 7))).collect();
    assert_eq!(chosen, expected);
}

#[tokio::test]
async fn a_record_above_the_topics_limit_is_rejected_and_the_others_are_sent() {
    let Some(broker) = broker("PAYSTREAM_KAFKA") else { return };
    let small = first_versions(1..20);
    let mut sent = small.clone();
    // Versions 2 and 3 of a payment with a long order id, which is in the key as well.
    sent.splice(7..7, events(&format!("ord-{}", "x".repeat(50)), "pay_large").into_iter().skip(1));
    let limit = small.iter().map(|event| event.encode().len()).max().unwrap() + 150;
    let topic = Topic::create_with(&broker, &["--config", &format!("max.message.bytes={limit}")]);
    let results = publisher(topic.config()).publish_all(&sent).await;
    for (event, result) in sent.iter().zip(&results) {
        match (event.payment().payment_id.as_str(), event.payment().version, result) {
            ("pay_large", 2, Err(error @ PublishError::Rejected(_))) => {
                let cause = cause(error);
                assert!(cause.contains("max.message.bytes") && cause.contains("MessageTooLarge"), "{cause}");
            }
            ("pay_large", 3, Err(PublishError::Failed(cause))) => {
                assert_eq!(cause.to_string(), "an earlier version was rejected");
            }
            (id, version, result) => assert!(result.is_ok() && id != "pay_large", "{id} {version}: {result:?}"),
        }
    }
    assert_eq!(topic.ids().await, small.iter().map(PaymentEvent::id).collect::<Vec<_>>());
}

#[tokio::test]
async fn nothing_is_sent_without_events() {
    let Some(broker) = broker("PAYSTREAM_KAFKA") else { return };
    let topic = Topic { broker, name: "missing".to_owned() };
    assert!(publisher(topic.config()).publish_all(&[]).await.is_empty());
}
