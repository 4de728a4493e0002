//! The whole system over other hubs than Kinesis. Tests without the broker are skipped.

use paystream_local::HubKind;
use paystream_tests::{Paystream, eur, line, order_body};

#[tokio::test]
async fn a_payment_reaches_orders_over_kafka() {
    let Some(paystream) = Paystream::start_on(HubKind::Kafka, &[]).await else { return };
    let order_id = &paystream.name("ord");
    paystream.post("/orders", &order_body(order_id, &[line("tea", 1, &eur(1299))])).await.expect(202);
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    paystream.payment_arrives(order_id, &payment).await;
    paystream.order_becomes(order_id, "accepted").await;
    let status = paystream.environment().status().await;
    assert!(status.hub.starts_with("Kafka at "), "{}", status.hub);
    let mapping = &status.event_sources["OrderProjectorKafkaPayments"];
    assert_eq!((mapping.function.as_str(), mapping.failures, mapping.given_up), ("OrderProjector", 0, 0));
    assert_eq!(mapping.shards.len(), 2, "the environment created the topic");
    assert!(status.streams.is_empty(), "no stream of Kinesis is left: {:?}", status.streams);
}
