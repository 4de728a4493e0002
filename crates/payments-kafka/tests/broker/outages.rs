//! Brokers that are down, and connections that break.

use std::net::TcpListener;
use std::time::Duration;

use crate::proxy::Proxy;
use crate::support::{
    SCRIPT, Topic, advance, broker, failure, first_versions, publish, publisher, publisher_by_clock, script,
};

/// A broker of its own, which ends with the test.
struct OwnBroker(String);

impl OwnBroker {
    /// Chooses ports that are free.
    fn new() -> Self {
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        let base = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let ports = std::iter::repeat_with(base).find(|base| (*base..base.saturating_add(4)).all(free)).unwrap();
        Self(format!("127.0.0.1:{ports}"))
    }

    fn start(&self) {
        script(&self.0, &["start"]);
    }

    fn stop(&self) {
        script(&self.0, &["stop"]);
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        let port = self.0.rsplit_once(':').unwrap().1;
        std::process::Command::new(SCRIPT).args(["stop", "--port", port]).status().ok();
        std::fs::remove_dir_all(format!("{}/../../target/hubs/kafka-{port}", env!("CARGO_MANIFEST_DIR"))).ok();
    }
}

#[tokio::test]
async fn a_broker_that_is_down_at_first_or_restarts_is_used_when_it_is_back() {
    let Some(_) = broker("PAYSTREAM_KAFKA") else { return };
    let broker = OwnBroker::new();
    let mut topic = Topic { broker: broker.0.clone(), name: "none yet".to_owned() };
    assert!(failure(&publisher(topic.config())).await.contains("Connection refused"));
    broker.start();
    topic = Topic::create(&broker.0, 2).await;
    let publisher = publisher(topic.config());
    publish(&publisher, &first_versions(0..10)).await;
    broker.stop();
    assert!(failure(&publisher).await.contains("check host and port"));
    broker.start();
    publish(&publisher, &first_versions(10..20)).await;
    let mut ids = topic.ids().await;
    ids.sort();
    let mut expected: Vec<_> = first_versions(0..20).iter().map(payment_events::PaymentEvent::id).collect();
    expected.sort();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn broken_connections_are_replaced_within_the_call() {
    let Some(addresses) = broker("PAYSTREAM_KAFKA_PROXIED") else { return };
    let (broker, here) = addresses.split_once(',').unwrap();
    let proxy = Proxy::start(broker, here).await;
    let topic = Topic::create(here, 1).await;
    let publisher = publisher_by_clock(topic.config());
    publisher.connect().await;
    let opened = proxy.opened();
    publish(&publisher, &first_versions(0..1)).await;
    assert_eq!(proxy.opened(), opened, "connected ahead");

    proxy.cut();
    publish(&publisher, &first_versions(1..2)).await;

    // Nothing tells the client that these connections are dead.
    proxy.freeze_connections();
    publish(&publisher, &first_versions(2..3)).await;

    // Unused for so long that they are not tried.
    let opened = proxy.opened();
    advance(Duration::from_mins(5));
    publish(&publisher, &first_versions(3..4)).await;
    assert!(proxy.opened() > opened, "new connections");

    proxy.accept(false);
    proxy.cut();
    assert!(failure(&publisher).await.contains("no connection to Kafka"));
    proxy.accept(true);
    publish(&publisher, &first_versions(4..5)).await;

    let mut ids = topic.ids().await;
    let sent: Vec<_> = first_versions(0..5).iter().map(payment_events::PaymentEvent::id).collect();
    ids.retain(|id| id != "pay_1:1");
    assert_eq!(ids, [&sent[0], &sent[2], &sent[3], &sent[4]].map(String::clone));
}
