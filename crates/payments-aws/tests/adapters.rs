//! Tests of the adapters on the emulators, over real sockets, with the table and the stream of the template.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;

use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_kinesis::types::ShardIteratorType;
use aws_types::SdkConfig;
use payment_events::{Money, PaymentEvent, PaymentId, Timestamp};
use payments::testing::{charges_suite, store_suite};
use payments::{Action, Change, EventPublisher, Outcome, Payment};
use payments_aws::{KinesisPublisher, PaymentsTable, SimulatorTable, kinesis_hot_path, kinesis_relay};
use paystream_local::{Effect, Emulators, Fault, FaultTarget, Template};

// The template does not name these resources, so the emulators use their logical ids.
const PAYMENTS_TABLE: &str = "PaymentsTable";
const SIMULATOR_TABLE: &str = "ProcessorSimulatorTable";
const PAYMENT_STREAM: &str = "PaymentStream";

async fn emulators() -> Emulators {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    Emulators::start(Template::load(template.as_ref(), &[].into()).unwrap()).await.unwrap()
}

fn aws(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .http_client(aws_connection::Https::new(aws_connection::Trust::System))
        .build()
}

fn event(order_id: &str) -> PaymentEvent {
    event_of(order_id, "pay_1")
}

fn event_of(order_id: &str, payment_id: &str) -> PaymentEvent {
    let payment = payment(order_id, payment_id);
    let at = payment.updated_at;
    payment.after(&Action::Decide(Outcome::Approved), at).unwrap().event().unwrap().unwrap()
}

/// A payment that is processing.
fn payment(order_id: &str, payment_id: &str) -> Payment {
    let at = Timestamp::from_unix_ms(1_800_000_000_000).unwrap();
    Payment::begin(payment_id.parse().unwrap(), order_id.parse().unwrap(), eur(1_299), None, at)
}

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

/// Returns all events on the stream, with their partition keys.
async fn published(emulators: &Emulators) -> Vec<(String, PaymentEvent)> {
    let client = aws_sdk_kinesis::Client::new(&aws(emulators.kinesis_url()));
    let shards = client.list_shards().stream_name(PAYMENT_STREAM).send().await.unwrap().shards.unwrap();
    let mut published = Vec::new();
    for shard in shards {
        let iterator = client.get_shard_iterator().stream_name(PAYMENT_STREAM).shard_id(shard.shard_id);
        let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.unwrap();
        let page = client.get_records().set_shard_iterator(iterator.shard_iterator).send().await.unwrap();
        for record in page.records {
            published.push((record.partition_key.unwrap(), PaymentEvent::decode(record.data.as_ref()).unwrap()));
        }
    }
    published
}

#[tokio::test]
async fn the_payments_table_passes_the_store_suite() {
    let emulators = emulators().await;
    let client = aws_connection::dynamodb(&aws(emulators.dynamodb_url()));
    let table = PaymentsTable::new(client, PAYMENTS_TABLE);
    store_suite::check(&table).await;
}

#[tokio::test]
async fn the_simulator_table_passes_the_charges_suite() {
    let emulators = emulators().await;
    let client = aws_connection::dynamodb(&aws(emulators.dynamodb_url()));
    charges_suite::check(SimulatorTable::new(client, SIMULATOR_TABLE)).await;
}

#[tokio::test]
async fn an_event_is_published_with_its_order_as_partition_key() {
    let emulators = emulators().await;
    let publisher = KinesisPublisher::new(kinesis_hot_path(&aws(emulators.kinesis_url())), PAYMENT_STREAM);
    publisher.publish(&event("ord-1")).await.unwrap();
    assert_eq!(published(&emulators).await, [("ord-1".to_owned(), event("ord-1"))]);
}

#[tokio::test]
async fn events_beyond_the_limit_of_one_call_are_all_published() {
    let emulators = emulators().await;
    let publisher = KinesisPublisher::new(kinesis_relay(&aws(emulators.kinesis_url())), PAYMENT_STREAM);
    let events: Vec<_> = (0..1_100).map(|n| event(&format!("ord-{n}"))).collect();
    let results = publisher.publish_all(&events).await;
    assert!(results.len() == events.len() && results.iter().all(Result::is_ok));
    let mut arrived: Vec<_> = published(&emulators).await.into_iter().map(|(_, event)| event).collect();
    let number = |event: &PaymentEvent| event.partition_key()[4..].parse::<u32>().unwrap();
    arrived.sort_by_key(number);
    assert_eq!(arrived, events);
}

#[tokio::test]
async fn a_failed_publish_returns_an_error_for_each_event() {
    let emulators = emulators().await;
    let publisher = KinesisPublisher::new(kinesis_hot_path(&aws(emulators.kinesis_url())), "no-such-stream");
    assert!(publisher.publish(&event("ord-1")).await.is_err());
    let results = publisher.publish_all(&[event("ord-1"), event("ord-2")]).await;
    assert!(results.len() == 2 && results.iter().all(Result::is_err));
}

#[tokio::test]
async fn a_direct_publish_does_not_wait_for_an_unresponsive_stream() {
    // Accepts connections and never responds. The test only ends because the call has a timeout.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let publisher = KinesisPublisher::new(kinesis_hot_path(&aws(&endpoint)), PAYMENT_STREAM);
    assert!(publisher.publish(&event("ord-1")).await.is_err());
}

/// Returns the versions of each payment, in stream order.
fn by_payment(published: impl IntoIterator<Item = PaymentEvent>) -> BTreeMap<PaymentId, Vec<u64>> {
    let mut by_payment: BTreeMap<PaymentId, Vec<u64>> = BTreeMap::new();
    for event in published {
        let payment = event.into_payment();
        by_payment.entry(payment.payment_id).or_default().push(payment.version);
    }
    by_payment
}

/// Returns the events of `payments` payments of one order, payment by payment, each authorized, captured and refunded
/// twice.
fn events_of_payments(payments: u32) -> Vec<PaymentEvent> {
    let refund = Action::Change(Change::Refund(Some(eur(100))));
    let actions = [Action::Decide(Outcome::Approved), Action::Change(Change::Capture(None)), refund.clone(), refund];
    let events = |n| {
        let mut payment = payment("ord-1", &format!("pay_{n}"));
        actions.clone().map(|action| {
            payment = payment.clone().after(&action, payment.updated_at).unwrap();
            payment.event().unwrap().unwrap()
        })
    };
    (0..payments).flat_map(events).collect()
}

async fn published_events(emulators: &Emulators) -> Vec<PaymentEvent> {
    published(emulators).await.into_iter().map(|(_, event)| event).collect()
}

/// Kinesis does not guarantee the order of the entries of one call.
#[tokio::test]
async fn versions_stay_in_order_if_the_entries_of_a_call_are_reordered() {
    let emulators = emulators().await;
    emulators.inject(Fault::new(FaultTarget::Kinesis, Effect::Reorder(5)).operation("PutRecords")).unwrap();
    let publisher = KinesisPublisher::new(kinesis_relay(&aws(emulators.kinesis_url())), PAYMENT_STREAM);
    let events = events_of_payments(12);
    assert!(publisher.publish_all(&events).await.iter().all(Result::is_ok));
    assert_eq!(by_payment(published_events(&emulators).await), by_payment(events));
}

/// All payments of an order have one partition key, and each is a lane of its own.
#[tokio::test]
async fn payments_of_one_order_share_a_call() {
    let emulators = emulators().await;
    let events: Vec<_> = (0..500).map(|n| event_of("ord-1", &format!("pay_{n}"))).collect();
    let publisher = KinesisPublisher::new(kinesis_relay(&aws(emulators.kinesis_url())), PAYMENT_STREAM);
    let only_one = Fault::new(FaultTarget::Kinesis, Effect::error("AccessDeniedException")).operation("PutRecords");
    emulators.inject(only_one.skip(1)).unwrap();
    let results = publisher.publish_all(&events).await;
    assert!(results.iter().all(Result::is_ok), "a second call fails");
    assert_eq!(published(&emulators).await.len(), events.len());
}

#[tokio::test]
async fn a_direct_publish_is_retried_once() {
    let emulators = emulators().await;
    emulators
        .inject(Fault::new(FaultTarget::Kinesis, Effect::error("InternalFailure")).operation("PutRecord"))
        .unwrap();
    let publisher = KinesisPublisher::new(kinesis_hot_path(&aws(emulators.kinesis_url())), PAYMENT_STREAM);
    assert!(publisher.publish(&event("ord-1")).await.is_err());
    assert_eq!(emulators.faults()[0].struck, 2);
}

#[tokio::test]
async fn refused_records_are_retried_without_reordering_or_duplicating_versions() {
    let emulators = emulators().await;
    emulators.inject(Fault::new(FaultTarget::Kinesis, Effect::Partial(0.5)).operation("PutRecords").count(3)).unwrap();
    let publisher = KinesisPublisher::new(kinesis_relay(&aws(emulators.kinesis_url())), PAYMENT_STREAM);
    let events = events_of_payments(12);
    let results = publisher.publish_all(&events).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(emulators.faults()[0].struck, 3);
    assert_eq!(by_payment(published_events(&emulators).await), by_payment(events));
}

#[tokio::test]
async fn a_persistently_refused_record_is_an_error_and_is_not_overtaken() {
    let emulators = emulators().await;
    emulators.inject(Fault::new(FaultTarget::Kinesis, Effect::Partial(0.9)).operation("PutRecords").seed(3)).unwrap();
    let publisher = KinesisPublisher::new(kinesis_relay(&aws(emulators.kinesis_url())), PAYMENT_STREAM);
    let events = events_of_payments(12);
    let results = publisher.publish_all(&events).await;
    let sent: Vec<_> =
        events.iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(event, _)| event.clone()).collect();
    assert!(!sent.is_empty() && sent.len() < events.len(), "some of {}: {}", events.len(), sent.len());
    let published = by_payment(published_events(&emulators).await);
    assert_eq!(published, by_payment(sent), "the stream holds exactly the records reported as sent");
    for (payment_id, versions) in &published {
        assert!(versions.iter().copied().eq((1..).take(versions.len())), "{payment_id} has gaps: {versions:?}");
    }
}
