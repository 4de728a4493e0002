//! Checks of topics on the broker that `PAYSTREAM_KAFKA` names, and over TLS with SCRAM on the one that
//! `PAYSTREAM_KAFKA_SCRAM` names.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use paystream_operations::doctor::Finding;
use paystream_operations::{Endpoints, Names, Stack};

use super::*;
use crate::target::ResolvedTarget;

/// Nobody listens there: these checks call no service of AWS.
const NOWHERE: &str = "http://127.0.0.1:1";
const AGE: Option<u64> = Some(43_200);

/// Purpose and configuration of a topic, and the conditions that it has.
type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c [&'c str]);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(options: &[&str]) -> Arguments {
    Line::parse_from([&["doctor"], options].concat()).arguments
}

fn system(outputs: &[(&str, &str)]) -> System {
    let endpoints = Endpoints { dynamodb: NOWHERE.to_owned(), kinesis: NOWHERE.to_owned() };
    let stack = Stack::on_emulators(&endpoints, Names::default());
    let outputs = outputs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let target = ResolvedTarget { stack, local: None, outputs, status: None };
    System::new(target, std::iter::empty()).unwrap()
}

fn skipped(variable: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {variable} is not set; hubs/host/kafka start sets it");
}

fn broker() -> Option<String> {
    let address = std::env::var("PAYSTREAM_KAFKA").ok();
    if address.is_none() {
        skipped("PAYSTREAM_KAFKA");
    }
    address
}

/// Name of a topic that no other test uses.
fn own_topic(purpose: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("doctor-{purpose}-{now}")
}

async fn diagnosed(address: &str, topic: &str, options: &[&str]) -> Diagnosis {
    let system = system(&[
        ("Hub", "kafka"),
        ("HubEncryption", "plaintext"),
        ("KafkaAuthentication", "none"),
        ("KafkaBootstrapServers", address),
        ("KafkaTopic", topic),
        ("KafkaConsumerGroup", topic),
    ]);
    let mut diagnosis = Diagnosis::default();
    kafka(&system, &arguments(options), AGE, &mut diagnosis).await;
    diagnosis
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.condition.code).collect()
}

#[tokio::test]
async fn settings_of_a_topic_are_read_from_the_broker() {
    let Some(address) = broker() else { return };
    let client = KafkaClient::new(&address);
    // A broker alone has one replica of everything.
    let cases: [Case<'_>; 7] = [
        ("healthy", &[], &["kafka-one-replica"]),
        ("compacted", &[("cleanup.policy", "compact")], &["kafka-one-replica", "kafka-compacted"]),
        ("short", &[("retention.ms", "3600000")], &["kafka-one-replica", "kafka-retention-short"]),
        ("bounded", &[("retention.bytes", "1000000")], &["kafka-one-replica", "kafka-retention-bytes"]),
        ("small", &[("max.message.bytes", "100000")], &["kafka-one-replica", "kafka-message-bytes"]),
        ("unclean", &[("unclean.leader.election.enable", "true")], &["kafka-one-replica", "kafka-unclean-election"]),
        (
            "clock",
            &[("message.timestamp.type", "CreateTime"), ("message.timestamp.after.max.ms", "1000")],
            &["kafka-one-replica", "kafka-timestamp-bound"],
        ),
    ];
    for (purpose, configuration, expected) in cases {
        let topic = own_topic(purpose);
        client.create_topic_with(&topic, 2, configuration).await.unwrap();
        let diagnosis = diagnosed(&address, &topic, &["--kafka-partitions", "2"]).await;
        assert_eq!(codes(&diagnosis.findings), expected, "{purpose}: {diagnosis:?}");
        assert_eq!(diagnosis.unchecked, [], "{purpose}");
    }
}

#[tokio::test]
async fn a_missing_topic_and_fewer_partitions_are_found() {
    let Some(address) = broker() else { return };
    let topic = own_topic("recreated");
    let diagnosis = diagnosed(&address, &topic, &[]).await;
    assert_eq!(codes(&diagnosis.findings), ["kafka-topic-missing"]);
    KafkaClient::new(&address).create_topic_with(&topic, 2, &[]).await.unwrap();
    let diagnosis = diagnosed(&address, &topic, &["--kafka-partitions", "3"]).await;
    assert_eq!(codes(&diagnosis.findings), ["kafka-partitions-fewer", "kafka-one-replica"]);
    let diagnosis = diagnosed(&address, &topic, &["--kafka-partitions", "1"]).await;
    assert_eq!(codes(&diagnosis.findings), ["kafka-partitions-more", "kafka-one-replica"]);
    let diagnosis = diagnosed(&address, &topic, &[]).await;
    assert_eq!(diagnosis.unchecked.iter().map(|part| part.subject.as_str()).collect::<Vec<_>>(), ["added partitions"]);
}

#[tokio::test]
async fn a_topic_is_read_over_tls_with_scram() {
    let (Ok(address), Ok(ca)) = (std::env::var("PAYSTREAM_KAFKA_SCRAM"), std::env::var("PAYSTREAM_KAFKA_CA")) else {
        skipped("PAYSTREAM_KAFKA_SCRAM");
        return;
    };
    let tls = Some(doctor::tls(Some(&std::fs::read_to_string(ca).unwrap())).unwrap());
    let client = |password: &str| {
        let (username, password) = ("paystream".to_owned(), password.to_owned());
        let sasl = Some(KafkaSasl::Scram { username, password });
        KafkaClient::with_access(&address, KafkaAccess { tls: tls.clone(), sasl })
    };
    // Of hubs/host/kafka.
    let (good, topic) = (client("paystream-secret"), own_topic("scram"));
    good.create_topic_with(&topic, 1, &[]).await.unwrap();
    let settings = good.settings(&topic).await.unwrap().unwrap();
    assert_eq!(settings.partitions.len(), 1);
    assert_eq!(good.committed("nobody", &topic).await.unwrap(), BTreeMap::new());
    let refused = client("wrong").check().await.unwrap_err().to_string();
    assert!(refused.to_ascii_lowercase().contains("authentication"), "{refused}");
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_a_failure_with_its_address() {
    let diagnosis = diagnosed("127.0.0.1:1", "payments", &[]).await;
    assert_eq!(diagnosis.findings, []);
    assert!(diagnosis.has_failures());
    let reason = &diagnosis.unchecked[0].reason;
    assert!(reason.contains("127.0.0.1:1") && reason.contains("--hub-url"), "{reason}");
}

#[tokio::test]
async fn a_missing_output_is_named_with_the_options_that_give_it() {
    let mut diagnosis = Diagnosis::default();
    rabbitmq(&system(&[("Hub", "rabbitmq")]), &arguments(&[]), &mut diagnosis).await;
    let reason = &diagnosis.unchecked[0].reason;
    assert!(reason.contains("RabbitMqVirtualHost") && reason.contains("--stack-outputs"), "{reason}");
}
