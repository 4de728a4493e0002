//! `paystream doctor` against whole systems. Tests without the broker are skipped.

use aws_sdk_dynamodb::types::TimeToLiveSpecification;
use paystream_hubs::KafkaClient;
use paystream_local::HubKind;
use paystream_tests::Paystream;
use serde_json::Value;

/// Conditions of a report, without those of one node, which every broker of these tests has.
pub(crate) fn conditions(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    let conditions = findings.map(|finding| finding["condition"].as_str().unwrap());
    conditions.filter(|condition| !["kafka-one-replica", "rabbitmq-one-member"].contains(condition)).collect()
}

/// Parts that could not be read.
pub(crate) fn failures(report: &Value) -> Vec<&Value> {
    report["unchecked"].as_array().unwrap().iter().filter(|part| part["is_failure"] == true).collect()
}

#[tokio::test]
async fn the_template_over_kinesis_has_no_findings_and_a_changed_table_has() {
    let paystream = Paystream::start().await;
    let report = paystream.command(&["doctor", "--json"]).await.json(0);
    assert_eq!((conditions(&report), failures(&report)), (vec![], vec![]), "{report}");
    assert_eq!(report["checked"].as_array().unwrap().len(), 8, "{report}");
    let ttl = TimeToLiveSpecification::builder().attribute_name("created_at").enabled(true).build().unwrap();
    let update = paystream.dynamodb().update_time_to_live().table_name(paystream.physical_name("PaymentsTable"));
    update.time_to_live_specification(ttl).send().await.unwrap();
    let text = paystream.command(&["doctor"]).await.text(1);
    assert!(text.starts_with("loses  items-expire  table PaymentsTable: time to live by created_at."), "{text}");
    let accepted = paystream.command(&["doctor", "--accept", "items-expire"]).await.text(0);
    assert!(
        accepted.contains("loses (accepted)  items-expire") && accepted.contains("0 findings in 8 parts"),
        "{accepted}"
    );
}

#[tokio::test]
async fn a_mapping_whose_age_is_too_long_or_too_short_is_found() {
    for (age, expected) in [("86400", "mapping-record-age-long"), ("60", "mapping-record-age-short")] {
        let parameters = [("RelayRecordAgeSecondsMax", age)];
        let paystream = Paystream::start_with_parameters(&parameters).await;
        let report = paystream.command(&["doctor", "--json"]).await.json(1);
        assert_eq!(conditions(&report), [expected; 2], "of relay and recovery: {report}");
    }
}

#[tokio::test]
async fn the_template_over_kafka_has_no_findings_and_a_compacted_topic_has() {
    let Some(paystream) = Paystream::start_on(HubKind::Kafka, &[]).await else { return };
    let accepting = ["doctor", "--json", "--accept", "kafka-one-replica"];
    let report = paystream.command(&accepting).await.json(0);
    assert_eq!((conditions(&report), failures(&report)), (vec![], vec![]), "{report}");
    drop(paystream);
    let topic = format!("doctor-{}", std::iter::repeat_with(fastrand::lowercase).take(12).collect::<String>());
    let address = std::env::var("PAYSTREAM_KAFKA").unwrap();
    let configuration = [("cleanup.policy", "compact,delete"), ("retention.ms", "3600000")];
    KafkaClient::new(&address).create_topic_with(&topic, 2, &configuration).await.unwrap();
    let Some(paystream) = Paystream::start_on(HubKind::Kafka, &[("KafkaTopic", &topic)]).await else { return };
    let report = paystream.command(&accepting).await.json(1);
    assert_eq!(conditions(&report), ["kafka-compacted", "kafka-retention-short"], "{report}");
}

#[tokio::test]
async fn the_template_over_rabbitmq_has_no_findings() {
    let Some(paystream) = Paystream::start_on(HubKind::RabbitMq, &[]).await else { return };
    let address = std::env::var("PAYSTREAM_RABBITMQ").unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    // hubs/host/rabbitmq has the API three ports above AMQP.
    let url = format!("http://{host}:{}", port.parse::<u16>().unwrap() + 3);
    // The credentials come from the environment's secret.
    let arguments = ["doctor", "--json", "--accept", "rabbitmq-one-member", "--management-url", &url];
    let report = paystream.command(&arguments).await.json(0);
    assert_eq!((conditions(&report), failures(&report)), (vec![], vec![]), "{report}");
}
