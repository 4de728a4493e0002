//! Commands that publish, over Kafka and RabbitMQ. Tests without the broker are skipped.

use amqprs::channel::{BasicGetArguments, Channel, QueueBindArguments, QueueDeclareArguments};
use amqprs::connection::{Connection, OpenConnectionArguments};
use paystream_hubs::KafkaClient;
use paystream_local::{Fault, FetchPosition, HubKind, KafkaCluster, OffsetAt, Options};
use paystream_tests::{Paystream, eur, workspace};
use serde_json::{Value, json};

use crate::copy;

/// Raw access to the records that a test's hub got since it was opened.
pub(crate) enum Raw {
    Kafka { client: KafkaClient, topic: String, next: Vec<FetchPosition> },
    RabbitMq { channel: Channel, queue: String, _connection: Connection },
}

impl Raw {
    /// Begins to read behind the records that the hub has.
    pub(crate) async fn open(hub: HubKind, paystream: &Paystream) -> Self {
        let outputs = paystream.environment().status().await.outputs;
        if hub == HubKind::Kafka {
            let (client, topic) = (KafkaClient::new(&outputs["KafkaBootstrapServers"]), outputs["KafkaTopic"].clone());
            let mut next = Vec::new();
            for partition in client.topic(&topic).await.unwrap().unwrap().partitions {
                let offset = client.offset(&topic, partition, OffsetAt::Latest).await.unwrap();
                next.push(FetchPosition { partition, offset });
            }
            return Self::Kafka { client, topic, next };
        }
        let (host, port) = outputs["RabbitMqEndpoint"].rsplit_once(':').unwrap();
        let arguments = OpenConnectionArguments::new(host, port.parse().unwrap(), "guest", "guest");
        let connection = Connection::open(&arguments).await.unwrap();
        let channel = connection.open_channel(None).await.unwrap();
        let queue = format!("{}-raw", outputs["RabbitMqQueue"]);
        channel.queue_declare(QueueDeclareArguments::new(&queue).exclusive(true).finish()).await.unwrap();
        channel.queue_bind(QueueBindArguments::new(&queue, &outputs["RabbitMqExchange"], "#")).await.unwrap();
        Self::RabbitMq { channel, queue, _connection: connection }
    }

    /// Takes the events that have arrived, in order.
    pub(crate) async fn events(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        match self {
            Self::Kafka { client, topic, next } => {
                for fetched in client.fetch(topic, next, std::time::Duration::ZERO).await.unwrap() {
                    let values = fetched.records.iter().map(|record| record.value.clone().unwrap());
                    events.extend(values.map(|value| serde_json::from_slice(&value).unwrap_or(Value::Null)));
                    let position = next.iter_mut().find(|position| position.partition == fetched.partition);
                    position.unwrap().offset = fetched.next;
                }
            }
            Self::RabbitMq { channel, queue, .. } => {
                let get = BasicGetArguments::new(queue).no_ack(true).finish();
                while let Some((_, _, body)) = channel.basic_get(get.clone()).await.unwrap() {
                    events.push(serde_json::from_slice(&body).unwrap());
                }
            }
        }
        events
    }

    /// Takes the versions of a payment that have arrived, in order.
    pub(crate) async fn versions(&mut self, payment: &Value) -> Vec<u64> {
        let events = self.events().await;
        let own = events.iter().filter(|event| event["data"]["payment_id"] == payment["payment_id"]);
        own.map(|event| event["data"]["version"].as_u64().unwrap()).collect()
    }
}

/// A payment that was captured and refunded, so that it has several versions, and that Orders has.
pub(crate) async fn captured(paystream: &Paystream, order_id: &str) -> Value {
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    let path = format!("/payments/{}", payment["payment_id"].as_str().unwrap());
    paystream.post(&format!("{path}/capture"), &json!({})).await.expect(200);
    let payment = paystream.post(&format!("{path}/refund"), &json!({})).await.expect(200);
    paystream.payment_arrives(order_id, &payment).await;
    payment
}

async fn replay_and_redrive_publish_every_version(hub: HubKind) {
    let Some(paystream) = Paystream::start_on(hub, &[]).await else { return };
    let (order_id, image_of) = (&paystream.name("ord"), &paystream.name("ord"));
    let (payment, other) = (captured(&paystream, order_id).await, captured(&paystream, image_of).await);
    let versions: Vec<u64> = (1..=payment["version"].as_u64().unwrap()).collect();
    assert_eq!(versions.len(), 3, "{payment}");
    let mut raw = Raw::open(hub, &paystream).await;

    paystream.lose_copy(&payment).await;
    let difference = paystream.command(&["reconcile", "--grace", "0", "--json"]).await.json(1);
    assert_eq!(
        difference["differences"][0]["class"], "missing",
        "the relay of a broker keeps no position: {difference}"
    );
    let report = paystream.command(&["replay", "--order-id", order_id, "--json"]).await.json(0);
    assert_eq!((&report["sent"], &report["is_complete"]), (&json!(1), &json!(true)), "{report}");
    assert_eq!(raw.versions(&payment).await, versions);
    paystream.payment_arrives(order_id, &payment).await;
    assert_eq!(copy(&paystream, &payment).await.unwrap().2, payment["version"]);

    // An image that the relay could not read.
    paystream.lose_copy(&other).await;
    let payment_id = other["payment_id"].as_str().unwrap();
    let id = format!("payments-table#1-{payment_id}");
    paystream.put_in_quarantine_of("PaymentsQuarantineTable", &id, payment_id, b"{}").await;
    let report = paystream.command(&["quarantine", "redrive", &id, "--json"]).await.json(0);
    assert_eq!(report["records"], json!([{"id": id, "outcome": "published"}]));
    assert_eq!(raw.versions(&other).await, versions);
    paystream.payment_arrives(image_of, &other).await;

    paystream.lose_copy(&payment).await;
    paystream.command(&["reconcile", "--grace", "0", "--repair", "--wait"]).await.text(0);
    assert_eq!(raw.versions(&payment).await, versions);
    paystream.payment_arrives(order_id, &payment).await;
    assert_eq!(copy(&paystream, &payment).await.unwrap().2, payment["version"]);
    paystream.command(&["reconcile", "--grace", "0"]).await.text(0);
}

#[tokio::test]
async fn replay_redrive_and_repair_publish_every_version_to_kafka() {
    replay_and_redrive_publish_every_version(HubKind::Kafka).await;
}

#[tokio::test]
async fn replay_redrive_and_repair_publish_every_version_to_rabbitmq() {
    replay_and_redrive_publish_every_version(HubKind::RabbitMq).await;
}

/// A template whose Kafka mapping does not retry.
fn without_retries(directory: &std::path::Path) -> std::path::PathBuf {
    let template = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let path = directory.join("template.yaml");
    std::os::unix::fs::symlink(workspace().join("infra"), directory.join("infra")).unwrap();
    std::fs::write(&path, template.replace("MaximumRetryAttempts: 10000", "MaximumRetryAttempts: 0")).unwrap();
    path
}

#[tokio::test]
async fn failed_batches_of_kafka_are_listed_and_go_back_to_the_topic() {
    let directory = tempfile::tempdir().unwrap();
    let template = without_retries(directory.path());
    let started = Paystream::start_on_with(HubKind::Kafka, &[], |options| Options { template, ..options }).await;
    let Some(paystream) = started else { return };
    let broken = json!({"target": "OrderProjector", "effect": {"error": {"code": "Broken"}}});
    paystream.inject(serde_json::from_value::<Fault>(broken).unwrap());
    let order_id = &paystream.name("ord");
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    let failures = Paystream::eventually("the batch is in the on-failure destination", async || {
        let listed = paystream.command(&["failures", "list", "--json"]).await.json(0);
        listed["failures"].as_array().filter(|failures| !failures.is_empty()).cloned()
    })
    .await;
    let failure = &failures[0];
    assert_eq!(
        (&failure["kind"], &failure["records"], &failure["has_payload"]),
        (&json!("kafka"), &json!(1), &json!(true))
    );
    let partition = failure["partitions"][0]["partition"].as_str().unwrap();
    let text = paystream.command(&["failures", "list"]).await.text(0);
    assert!(text.contains(&format!("Kafka topic ({partition} offsets 0 to 0)")), "{text}");
    paystream.heal();

    let mut raw = Raw::open(HubKind::Kafka, &paystream).await;
    let report = paystream.command(&["failures", "redrive", "--all", "--json"]).await.json(0);
    let redriven = &report["failures"][0];
    assert_eq!((&redriven["records"], &redriven["is_closed"]), (&json!(1), &json!(true)), "{report}");
    assert_eq!(redriven["outcomes"][0]["outcome"], "projected", "{report}");
    assert!(redriven["outcomes"][0]["id"].as_str().unwrap().starts_with(&format!("kafka:{partition}#0-")), "{report}");
    assert_eq!(raw.versions(&payment).await, [1]);
    paystream.payment_arrives(order_id, &payment).await;
    assert_eq!(paystream.command(&["failures", "list"]).await.text(0), "0 failures with 0 records\n");
}
