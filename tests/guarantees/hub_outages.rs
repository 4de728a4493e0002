//! Outages over Kafka and RabbitMQ: of the hub, of Orders' table, and of the broker itself, stopped or blocked. Tests without the broker are
//! skipped, whatever `PAYSTREAM_HUB` is.

use std::time::Duration;

use futures::future::join_all;
use paystream_hubs::relay_of;
use paystream_local::{Effect, EventSourceStatus, Fault, FaultTarget, HubKind, Options, RetryDelays};
use paystream_tests::{HostBroker, Paystream, eur, first_appearances};
use serde_json::{Value, json};

/// Deliveries that reach the default delivery limit of a quorum queue in RabbitMQ 4, which is 20.
const DELIVERIES: u64 = 25;
/// Distance between the ports of the shared broker and those of a broker that a test stops.
const STOPPED_PORT: u16 = 40;
/// The same for a broker that a test blocks.
const BLOCKED_PORT: u16 = 50;

fn target(hub: HubKind) -> FaultTarget {
    match hub {
        HubKind::Kinesis => FaultTarget::Kinesis,
        HubKind::Kafka => FaultTarget::Kafka,
        HubKind::RabbitMq => FaultTarget::RabbitMq,
    }
}

pub(super) const PARAMETERS: [(&str, &str); 2] = [("PaymentLeaseMs", "200"), ("RelayWindowSeconds", "0")];
/// Short pauses before retries, so that many deliveries fail soon.
pub(super) const RETRY: RetryDelays = RetryDelays { first: Duration::from_millis(10), most: Duration::from_millis(50) };

async fn start_on(hub: HubKind) -> Option<Paystream> {
    Paystream::start_on_with(hub, &PARAMETERS, |options| Options { retry: RETRY, ..options }).await
}

/// Makes payments of three versions, several for each order.
pub(super) async fn pay_for_orders(paystream: &Paystream, prefix: &str) -> Vec<(String, Value)> {
    let pay = async |number: usize| {
        let order_id = format!("{prefix}-{}", number % 5);
        let payment = paystream.pay(&order_id, &eur(1299), "tok_approve").await;
        let path = |step| format!("/payments/{}/{step}", payment["payment_id"].as_str().unwrap());
        paystream.insist(&path("capture"), &format!("{prefix}-capture-{number}"), &json!({})).await.expect(200);
        let part = json!({"amount": eur(300)});
        let refunded = paystream.insist(&path("refund"), &format!("{prefix}-refund-{number}"), &part).await.expect(200);
        (order_id, refunded)
    };
    join_all((0..10).map(pay)).await
}

/// Every payment is in Orders, all versions are on the hub in order, and nothing was quarantined or given up.
async fn nothing_is_lost(paystream: &Paystream, payments: &[(String, Value)]) {
    for (order_id, payment) in payments {
        paystream.payment_arrives(order_id, payment).await;
    }
    paystream.every_version_is_published_in_order().await;
    assert_eq!(paystream.environment().failures().failures.len(), 0, "no batch went to the on-failure destination");
    for table in ["QuarantineTable", "PaymentsQuarantineTable"] {
        assert_eq!(paystream.item_count(table).await, 0, "{table}");
    }
}

async fn status_of(paystream: &Paystream, function: &str) -> EventSourceStatus {
    let status = paystream.environment().status().await;
    status.event_sources.into_values().find(|source| source.function == function).unwrap()
}

/// Waits until deliveries to a function have failed this many times.
async fn deliveries_fail(paystream: &Paystream, function: &str, failures: u64) {
    Paystream::eventually(&format!("{failures} deliveries to {function} have failed"), async || {
        (status_of(paystream, function).await.failures >= failures).then_some(())
    })
    .await;
}

async fn the_hub_is_unreachable(hub: HubKind) {
    let Some(paystream) = start_on(hub).await else { return };
    // Established connections as well as new ones.
    paystream.inject(Fault::new(target(hub), Effect::reset_before()));
    let payments = pay_for_orders(&paystream, "ord").await;
    deliveries_fail(&paystream, relay_of(hub), 2).await;
    for (order_id, _) in &payments {
        let copies = paystream.get(&format!("/orders/{order_id}/payments")).await.expect(200);
        assert_eq!(copies["payments"], json!([]), "{hub} is unreachable");
    }
    paystream.heal();
    // It recovers gradually: the next calls take effect, but their responses are lost.
    paystream.inject(Fault::new(target(hub), Effect::reset_after()).from(relay_of(hub)).count(3));
    nothing_is_lost(&paystream, &payments).await;
}

#[tokio::test]
async fn payments_accepted_while_kafka_is_unreachable_all_arrive_afterwards() {
    the_hub_is_unreachable(HubKind::Kafka).await;
}

#[tokio::test]
async fn payments_accepted_while_rabbitmq_is_unreachable_all_arrive_afterwards() {
    the_hub_is_unreachable(HubKind::RabbitMq).await;
}

/// Over RabbitMQ, each failed delivery returns the whole batch to the quorum queue.
async fn orders_table_is_down(hub: HubKind) {
    let Some(paystream) = start_on(hub).await else { return };
    paystream.inject(Fault::new(FaultTarget::DynamoDb, Effect::error("InternalServerError")).from("OrderProjector"));
    let payments = pay_for_orders(&paystream, "ord").await;
    deliveries_fail(&paystream, "OrderProjector", DELIVERIES).await;
    paystream.heal();
    nothing_is_lost(&paystream, &payments).await;
}

#[tokio::test]
async fn an_outage_of_more_than_20_deliveries_from_kafka_loses_nothing() {
    orders_table_is_down(HubKind::Kafka).await;
}

#[tokio::test]
async fn an_outage_of_more_than_20_deliveries_from_a_quorum_queue_loses_nothing() {
    orders_table_is_down(HubKind::RabbitMq).await;
}

/// Added partitions move keys. The read model converges, but the versions of a payment may be in two partitions, and then
/// nothing orders them.
#[tokio::test]
async fn after_partitions_were_added_to_a_topic_the_newest_state_arrives() {
    let Some(paystream) = start_on(HubKind::Kafka).await else { return };
    let mut payments = Vec::new();
    for number in 0..10 {
        let order_id = format!("ord-{number}");
        payments.push((order_id.clone(), paystream.pay(&order_id, &eur(1299), "tok_approve").await));
    }
    paystream.events_on_stream(10).await;
    paystream.add_partition().await;
    paystream.add_partition().await;
    // A relay that runs looks for new partitions after five minutes, a new one at once.
    paystream.kill(relay_of(HubKind::Kafka)).await;
    for (order_id, payment) in &mut payments {
        let path = format!("/payments/{}/capture", payment["payment_id"].as_str().unwrap());
        *payment = paystream.insist(&path, order_id, &json!({})).await.expect(200);
    }
    for (order_id, payment) in &payments {
        paystream.payment_arrives(order_id, payment).await;
    }
    let versions: usize = first_appearances(&paystream.events_on_stream(20).await).values().map(Vec::len).sum();
    assert_eq!(versions, 20, "every version is in the topic");
    let partitions = paystream.partitions_of_payments().await;
    assert!(partitions.values().any(|partitions| partitions.len() > 1), "no key has moved: {partitions:?}");
    assert_eq!(status_of(&paystream, "OrderProjector").await.given_up, 0);
}

/// Returns the port of the broker that a variable names. Without one, the test is skipped.
fn shared_port(hub: HubKind) -> Option<u16> {
    Paystream::broker_of(hub)?.rsplit_once(':')?.1.parse().ok()
}

/// A broker of its own is stopped and started again.
async fn the_broker_stops(hub: HubKind) {
    let Some(port) = shared_port(hub) else { return };
    let broker = HostBroker::start(hub, port + STOPPED_PORT).await;
    let retrying = |options| Options { retry: RETRY, ..options };
    let paystream = Paystream::start_at(hub, &broker.address(), &PARAMETERS, retrying).await;
    let mut payments = pay_for_orders(&paystream, "before").await;
    for (order_id, payment) in &payments {
        paystream.payment_arrives(order_id, payment).await;
    }
    broker.stop().await;
    payments.extend(pay_for_orders(&paystream, "during").await);
    deliveries_fail(&paystream, relay_of(hub), 2).await;
    broker.restart().await;
    for (order_id, payment) in &payments {
        paystream.payment_arrives(order_id, payment).await;
    }
    assert_eq!(paystream.environment().failures().failures.len(), 0, "no batch went to the on-failure destination");
    assert_eq!(paystream.item_count("QuarantineTable").await, 0, "no record was quarantined");
    paystream.stop().await;
    broker.stop().await;
}

#[tokio::test]
async fn payments_accepted_while_kafka_is_stopped_all_arrive_afterwards() {
    the_broker_stops(HubKind::Kafka).await;
}

#[tokio::test]
async fn payments_accepted_while_rabbitmq_is_stopped_all_arrive_afterwards() {
    the_broker_stops(HubKind::RabbitMq).await;
}

/// A memory alarm blocks publishers: their connections stay open, and nothing is confirmed.
#[tokio::test]
async fn payments_accepted_while_a_memory_alarm_blocks_rabbitmq_all_arrive_afterwards() {
    let Some(port) = shared_port(HubKind::RabbitMq) else { return };
    let broker = HostBroker::start(HubKind::RabbitMq, port + BLOCKED_PORT).await;
    // A run that failed may have left the alarm.
    broker.unblock().await;
    let retrying = |options| Options { retry: RETRY, ..options };
    // The window gathers many versions in one batch, since a batch that fails is retried as it was.
    let parameters = [("PaymentLeaseMs", "200"), ("RelayWindowSeconds", "2")];
    let paystream = Paystream::start_at(HubKind::RabbitMq, &broker.address(), &parameters, retrying).await;
    let mut payments = pay_for_orders(&paystream, "before").await;
    paystream.every_version_is_published_in_order().await;
    broker.block().await;
    payments.extend(pay_for_orders(&paystream, "during").await);
    // Each failed delivery has waited for a confirm on a new connection, over which the broker takes one message.
    deliveries_fail(&paystream, relay_of(HubKind::RabbitMq), 2).await;
    let published: usize = first_appearances(&paystream.stream_events().await).values().map(Vec::len).sum();
    let accepted: u64 = paystream.payment_versions().await.values().sum();
    assert!(
        (published as u64) < accepted,
        "the alarm blocks nothing: {published} of {accepted} versions are published"
    );
    broker.unblock().await;
    nothing_is_lost(&paystream, &payments).await;
    paystream.stop().await;
    broker.stop().await;
}
