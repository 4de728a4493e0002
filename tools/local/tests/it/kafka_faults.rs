//! Faults of calls to Kafka, with the client of the relay.

use std::collections::BTreeMap;

use paystream_local::{Broker, BrokerProxy, Effect, Fault, FaultTarget, Service};
use rskafka::chrono::DateTime;
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;

use crate::brokers::{kafka, name};

const CALLER: &str = "PaymentRelayKafka";
/// Limit of the requests that create and read topics.
const TIMEOUT_MS: i32 = 30_000;

/// A topic with one partition, and a client behind the proxy.
struct Kafka {
    proxy: BrokerProxy,
    topic: String,
    /// Client that no fault strikes.
    direct: PartitionClient,
}

async fn client(addresses: &str) -> Client {
    ClientBuilder::new(addresses.split(',').map(str::to_owned).collect()).build().await.unwrap()
}

async fn partition(client: &Client, topic: &str) -> PartitionClient {
    client.partition_client(topic, 0, UnknownTopicHandling::Retry).await.unwrap()
}

impl Kafka {
    async fn start(broker: &str) -> Self {
        let (direct, topic) = (client(broker).await, name());
        direct.controller_client().unwrap().create_topic(&topic, 1, 1, TIMEOUT_MS).await.unwrap();
        let direct = partition(&direct, &topic).await;
        // As with a cluster, several addresses may be given.
        let proxy = BrokerProxy::new(Broker::Kafka, &format!("{broker},{broker}"));
        Self { proxy, topic, direct }
    }

    async fn proxied(&self, caller: &str) -> PartitionClient {
        partition(&client(&self.proxy.address_for(caller).unwrap()).await, &self.topic).await
    }

    fn inject(&self, fault: Fault) {
        self.proxy.inject(fault).unwrap();
    }

    fn struck(&self) -> u64 {
        self.proxy.faults().iter().map(|fault| fault.struck).sum()
    }

    fn calls(&self, caller: &str, operation: &str) -> u64 {
        self.proxy.calls().count(caller, Service::Kafka, operation)
    }

    /// Values of all records.
    async fn values(&self) -> Vec<String> {
        let (records, _) = self.direct.fetch_records(0, 1..10_000_000, 1_000).await.unwrap();
        records.into_iter().map(|record| String::from_utf8(record.record.value.unwrap()).unwrap()).collect()
    }
}

fn record(value: &str) -> Vec<Record> {
    let timestamp = DateTime::from_timestamp_millis(1_700_000_000_000).unwrap();
    vec![Record { key: None, value: Some(value.as_bytes().to_vec()), headers: BTreeMap::new(), timestamp }]
}

async fn produce(client: &PartitionClient, value: &str) {
    client.produce(record(value), Compression::NoCompression).await.unwrap();
}

fn fault(operation: &str, effect: Effect) -> Fault {
    Fault::new(FaultTarget::Kafka, effect).operation(operation)
}

#[tokio::test]
async fn a_kafka_client_stays_behind_the_proxy_and_its_calls_are_counted() {
    let Some(broker) = kafka() else { return };
    let kafka = Kafka::start(&broker).await;
    let client = kafka.proxied(CALLER).await;
    produce(&client, "a").await;
    let (records, _) = client.fetch_records(0, 1..1_000_000, 1_000).await.unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!((kafka.calls(CALLER, "Produce"), kafka.calls(CALLER, "Fetch")), (1, 1));
    assert!(kafka.calls(CALLER, "Metadata") > 0 && kafka.calls(CALLER, "Connect") > 1);
    assert_eq!(kafka.calls("other", "Produce"), 0);
}

#[tokio::test]
async fn a_record_whose_request_is_lost_is_not_written_and_one_whose_response_is_lost_is_written_twice_by_a_retry() {
    let Some(broker) = kafka() else { return };
    for (effect, written) in [(Effect::reset_before(), vec!["a", "b"]), (Effect::reset_after(), vec!["a", "a", "b"])] {
        let kafka = Kafka::start(&broker).await;
        let client = kafka.proxied(CALLER).await;
        kafka.inject(fault("Produce", effect.clone()).from(CALLER).count(1));
        // The client connects again and retries.
        produce(&client, "a").await;
        produce(&client, "b").await;
        assert_eq!((kafka.values().await, kafka.struck()), (written.iter().map(|v| (*v).to_owned()).collect(), 1));
        let reached = u64::try_from(written.len()).unwrap();
        assert_eq!(kafka.calls(CALLER, "Produce"), reached, "{effect:?}");
    }
}

#[tokio::test]
async fn kafka_refuses_connections_and_delays_calls_of_one_caller() {
    let Some(broker) = kafka() else { return };
    let kafka = Kafka::start(&broker).await;
    kafka.inject(fault("Connect", Effect::reset_before()).from(CALLER).count(3));
    kafka.inject(fault("Connect", Effect::reset_after()).from(CALLER).count(2));
    kafka.inject(fault("Produce", Effect::LatencyMs(5)).from(CALLER));
    kafka.inject(fault("*", Effect::reset_before()).from("other"));
    let client = kafka.proxied(CALLER).await;
    for value in ["a", "b"] {
        produce(&client, value).await;
    }
    assert_eq!((kafka.values().await, kafka.struck()), (vec!["a".to_owned(), "b".to_owned()], 3 + 2 + 2));
}

#[tokio::test]
async fn a_lost_fetch_is_repeated_and_a_large_record_passes_the_proxy() {
    let Some(broker) = kafka() else { return };
    let kafka = Kafka::start(&broker).await;
    let client = kafka.proxied(CALLER).await;
    let large = "x".repeat(900_000);
    produce(&client, &large).await;
    kafka.inject(fault("Fetch", Effect::reset_after()).count(1));
    kafka.inject(fault("Fetch", Effect::reset_before()).count(1));
    let (records, _) = client.fetch_records(0, 1..10_000_000, 1_000).await.unwrap();
    assert_eq!(records[0].record.value.as_deref(), Some(large.as_bytes()));
    assert_eq!(kafka.struck(), 2);
}
