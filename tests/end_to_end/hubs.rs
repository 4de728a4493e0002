//! The whole system over other hubs than Kinesis. Tests without the broker are skipped.

use paystream_local::HubKind;
use paystream_tests::{Paystream, eur, line, order_body};

/// Pays for an order, which is accepted, and checks the status of the projector's mapping.
async fn an_order_is_accepted(paystream: &Paystream, hub: HubKind, mapping: &str) {
    let order_id = &paystream.name("ord");
    paystream.post("/orders", &order_body(order_id, &[line("tea", 1, &eur(1299))])).await.expect(202);
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    paystream.payment_arrives(order_id, &payment).await;
    paystream.order_becomes(order_id, "accepted").await;
    let status = paystream.environment().status().await;
    assert!(status.hub.starts_with(&format!("{} at ", hub.name())), "{}", status.hub);
    let mapping = &status.event_sources[mapping];
    assert_eq!((mapping.function.as_str(), mapping.failures, mapping.given_up), ("OrderProjector", 0, 0));
    assert!(status.streams.is_empty(), "no stream of Kinesis is left: {:?}", status.streams);
}

#[tokio::test]
async fn a_payment_reaches_orders_over_kafka() {
    let Some(paystream) = Paystream::start_on(HubKind::Kafka, &[]).await else { return };
    an_order_is_accepted(&paystream, HubKind::Kafka, "OrderProjectorKafkaPayments").await;
    let status = paystream.environment().status().await;
    let partitions = status.event_sources["OrderProjectorKafkaPayments"].shards.len();
    assert_eq!(partitions, 2, "the environment created the topic");
}

#[tokio::test]
async fn a_payment_reaches_orders_over_rabbitmq() {
    let Some(paystream) = Paystream::start_on(HubKind::RabbitMq, &[]).await else { return };
    an_order_is_accepted(&paystream, HubKind::RabbitMq, "OrderProjectorRabbitMqPayments").await;
}
