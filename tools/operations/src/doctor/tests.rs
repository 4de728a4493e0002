//! A case for each condition, and settings without any.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;

const AGE: Option<u64> = Some(43_200);

type Case = (&'static str, Findings);

fn payments() -> TableFacts {
    TableFacts {
        status: "ACTIVE".to_owned(),
        stream_view: Some("NEW_IMAGE".to_owned()),
        stream_arn: Some("arn:aws:dynamodb:eu-central-1:123456789012:table/p/stream/2026".to_owned()),
        expiry_attribute: None,
    }
}

fn expiring(attribute: &str) -> TableFacts {
    TableFacts { expiry_attribute: Some(attribute.to_owned()), ..payments() }
}

fn table_cases() -> Vec<Case> {
    let changed = |change: fn(&mut TableFacts)| {
        let mut facts = payments();
        change(&mut facts);
        table(TableRole::Payments, Some(&facts))
    };
    vec![
        ("table-missing", table(TableRole::Orders, None)),
        ("table-inactive", changed(|facts| facts.status = "INACCESSIBLE_ENCRYPTION_CREDENTIALS".to_owned())),
        ("change-stream-off", changed(|facts| facts.stream_view = None)),
        ("change-stream-view", changed(|facts| facts.stream_view = Some("KEYS_ONLY".to_owned()))),
        ("items-expire", table(TableRole::Payments, Some(&expiring("expires_at")))),
        ("items-expire", table(TableRole::Orders, Some(&expiring("updated_at")))),
        ("quarantine-expiry", table(TableRole::Quarantine, Some(&expiring("quarantined_at")))),
        ("failures-bucket-missing", bucket(false)),
    ]
}

fn stream_mapping() -> Value {
    json!({
        "State": "Enabled",
        "LastProcessingResult": "OK",
        "EventSourceArn": "arn:aws:kinesis:eu-central-1:123456789012:stream/payments",
        "StartingPosition": "TRIM_HORIZON",
        "BisectBatchOnFunctionError": true,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": 43_200,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::failures"}},
    })
}

fn kafka_mapping() -> Value {
    let mut mapping = stream_mapping();
    mapping["Topics"] = json!(["payments"]);
    mapping["ProvisionedPollerConfig"] = json!({"MinimumPollers": 1});
    mapping["MaximumRetryAttempts"] = json!(10_000);
    mapping
}

fn queue_mapping() -> Value {
    let host = json!([{"Type": "BASIC_AUTH", "URI": "arn"}, {"Type": "VIRTUAL_HOST", "URI": "shop"}]);
    json!({"State": "Enabled", "Queues": ["orders.payments"], "SourceAccessConfigurations": host})
}

fn checked(role: MappingRole, kind: SourceKind, mapping: Value, name: &str, value: Value) -> Findings {
    let mut mapping = mapping;
    match value {
        Value::Null => _ = mapping.as_object_mut().unwrap().remove(name),
        value => mapping[name] = value,
    }
    let source = if kind == SourceKind::RabbitMq { "orders.payments" } else { "payments" };
    let bounds = Bounds {
        source: Some(source.to_owned()),
        virtual_host: Some("shop".to_owned()),
        relay_record_age_seconds: Some(43_200),
    };
    super::mapping(role, kind, Some(&MappingFacts(mapping)), &bounds)
}

fn mapping_cases() -> Vec<Case> {
    let relay = |name: &str, value| checked(MappingRole::Relay, SourceKind::Stream, stream_mapping(), name, value);
    let recovery =
        |name: &str, value| checked(MappingRole::Recovery, SourceKind::Stream, stream_mapping(), name, value);
    let projector =
        |name: &str, value| checked(MappingRole::Projector, SourceKind::Stream, stream_mapping(), name, value);
    let kafka = |name: &str, value| checked(MappingRole::Projector, SourceKind::Kafka, kafka_mapping(), name, value);
    let queue = |name: &str, value| checked(MappingRole::Projector, SourceKind::RabbitMq, queue_mapping(), name, value);
    let none = super::mapping(MappingRole::Relay, SourceKind::Stream, None, &Bounds::default());
    vec![
        ("mapping-missing", none),
        ("mapping-disabled", relay("State", json!("Disabled"))),
        ("mapping-disabled", recovery("State", json!("Disabled"))),
        ("mapping-disabled", queue("State", json!("Disabling"))),
        ("mapping-failing", projector("LastProcessingResult", json!("PROBLEM: Connection error. Please check"))),
        ("mapping-other-source", relay("EventSourceArn", json!("arn:aws:kinesis:eu-central-1:1:stream/old"))),
        ("mapping-other-source", kafka("Topics", json!(["payments-2"]))),
        ("mapping-other-source", queue("Queues", json!(["other"]))),
        ("mapping-other-source", queue("SourceAccessConfigurations", json!([]))),
        ("mapping-starts-late", projector("StartingPosition", json!("LATEST"))),
        ("mapping-starts-late", kafka("StartingPosition", json!("AT_TIMESTAMP"))),
        ("mapping-filters", projector("FilterCriteria", json!({"Filters": [{"Pattern": "{}"}]}))),
        ("mapping-filters", queue("FilterCriteria", json!({"Filters": [{"Pattern": "{}"}]}))),
        ("mapping-without-destination", projector("DestinationConfig", Value::Null)),
        ("mapping-without-destination", relay("DestinationConfig", json!({"OnFailure": {}}))),
        ("mapping-ignores-item-failures", projector("FunctionResponseTypes", json!([]))),
        ("mapping-retries-few", projector("MaximumRetryAttempts", json!(3))),
        ("mapping-retries-few", kafka("MaximumRetryAttempts", json!(-1))),
        ("mapping-record-age-short", projector("MaximumRecordAgeInSeconds", json!(3_599))),
        ("mapping-record-age-long", projector("MaximumRecordAgeInSeconds", json!(-1))),
        ("mapping-record-age-long", relay("MaximumRecordAgeInSeconds", json!(86_400))),
        ("mapping-record-age-long", recovery("MaximumRecordAgeInSeconds", json!(-1))),
        ("relay-record-age", relay("MaximumRecordAgeInSeconds", json!(43_199))),
        ("mapping-without-bisect", projector("BisectBatchOnFunctionError", json!(false))),
        ("mapping-not-provisioned", kafka("ProvisionedPollerConfig", Value::Null)),
    ]
}

#[test]
fn a_sound_mapping_has_no_findings() {
    let name = "LastModified";
    let checks = [
        checked(MappingRole::Relay, SourceKind::Stream, stream_mapping(), name, json!(1)),
        checked(MappingRole::Relay, SourceKind::Stream, stream_mapping(), "MaximumRecordAgeInSeconds", json!(86_399)),
        // Its filter leaves out the versions of payments that are decided.
        checked(
            MappingRole::Recovery,
            SourceKind::Stream,
            stream_mapping(),
            "FilterCriteria",
            json!({"Filters": [{}]}),
        ),
        checked(MappingRole::Projector, SourceKind::Stream, stream_mapping(), "State", json!("Updating")),
        checked(MappingRole::Projector, SourceKind::Kafka, kafka_mapping(), name, json!(1)),
        checked(MappingRole::Projector, SourceKind::RabbitMq, queue_mapping(), name, json!(1)),
    ];
    for findings in checks {
        assert_eq!(findings, Findings::default());
    }
    // Through a consumer (enhanced fan-out).
    let consumer = json!("arn:aws:kinesis:eu-central-1:123456789012:stream/payments/consumer/orders:1");
    let findings = checked(MappingRole::Projector, SourceKind::Stream, stream_mapping(), "EventSourceArn", consumer);
    assert_eq!(findings, Findings::default());
}

#[test]
fn a_sound_table_has_no_findings() {
    assert_eq!(table(TableRole::Payments, Some(&payments())), Findings::default());
    assert_eq!(table(TableRole::Quarantine, Some(&expiring("expires_at"))), Findings::default());
    assert_eq!(bucket(true), Findings::default());
}

fn kinesis_cases() -> Vec<Case> {
    let stream = |status: &str, retention_hours| KinesisFacts { status: status.to_owned(), retention_hours };
    vec![
        ("kinesis-stream-missing", kinesis(None, AGE)),
        ("kinesis-stream-inactive", kinesis(Some(&stream("DELETING", 24)), AGE)),
        ("kinesis-retention-short", kinesis(Some(&stream("ACTIVE", 24)), Some(86_400))),
    ]
}

#[test]
fn a_sound_stream_has_no_findings() {
    for status in ["ACTIVE", "UPDATING"] {
        let facts = KinesisFacts { status: status.to_owned(), retention_hours: 24 };
        assert_eq!(kinesis(Some(&facts), Some(86_399)), Findings::default());
    }
}

fn topic() -> KafkaFacts {
    let partition = |partition| PartitionFacts { partition, has_leader: true, replicas: 3, in_sync: 3, end: Some(10) };
    let configuration = [
        ("cleanup.policy", "delete"),
        ("retention.ms", "604800000"),
        ("retention.bytes", "-1"),
        ("min.insync.replicas", "2"),
        ("unclean.leader.election.enable", "false"),
        ("max.message.bytes", "1048588"),
        ("message.timestamp.type", "CreateTime"),
        ("message.timestamp.before.max.ms", "9223372036854775807"),
        ("message.timestamp.after.max.ms", "3600000"),
    ];
    let configuration = configuration.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    KafkaFacts {
        topic: Some(TopicFacts { partitions: (0..4).map(partition).collect(), configuration }),
        committed: BTreeMap::from([(0, 10), (3, 0)]),
        read_partitions: 4,
        recorded_partitions: Some(4),
    }
}

fn configured(name: &str, value: &str) -> Findings {
    let mut facts = topic();
    facts.topic.as_mut().unwrap().configuration.insert(name.to_owned(), value.to_owned());
    kafka(&facts, AGE)
}

fn kafka_cases() -> Vec<Case> {
    let changed = |change: fn(&mut KafkaFacts)| {
        let mut facts = topic();
        change(&mut facts);
        kafka(&facts, AGE)
    };
    let of_partitions = |change: fn(&mut PartitionFacts)| {
        let mut facts = topic();
        facts.topic.as_mut().unwrap().partitions.iter_mut().for_each(change);
        kafka(&facts, AGE)
    };
    vec![
        ("kafka-topic-missing", kafka(&KafkaFacts::default(), AGE)),
        ("kafka-partition-offline", of_partitions(|partition| partition.has_leader = false)),
        ("kafka-partitions-fewer", changed(|facts| facts.recorded_partitions = Some(5))),
        ("kafka-partitions-fewer", changed(|facts| facts.read_partitions = 5)),
        ("kafka-partitions-fewer", changed(|facts| _ = facts.committed.insert(4, 0))),
        ("kafka-partitions-more", changed(|facts| (facts.recorded_partitions, facts.read_partitions) = (Some(3), 3))),
        ("kafka-offset-beyond-end", changed(|facts| _ = facts.committed.insert(1, 11))),
        ("kafka-one-replica", of_partitions(|partition| (partition.replicas, partition.in_sync) = (1, 2))),
        ("kafka-min-insync-low", configured("min.insync.replicas", "1")),
        ("kafka-min-insync-high", configured("min.insync.replicas", "3")),
        ("kafka-too-few-in-sync", of_partitions(|partition| partition.in_sync = 1)),
        ("kafka-compacted", configured("cleanup.policy", "compact")),
        ("kafka-compacted", configured("cleanup.policy", "delete, compact")),
        ("kafka-retention-short", configured("retention.ms", "43200000")),
        ("kafka-retention-bytes", configured("retention.bytes", "1073741824")),
        ("kafka-unclean-election", configured("unclean.leader.election.enable", "true")),
        ("kafka-message-bytes", configured("max.message.bytes", "500000")),
        ("kafka-timestamp-bound", configured("message.timestamp.after.max.ms", "1000")),
        ("kafka-timestamp-bound", configured("message.timestamp.before.max.ms", "1000")),
    ]
}

#[test]
fn a_sound_topic_has_no_findings() {
    assert_eq!(kafka(&topic(), AGE), Findings::default());
    assert_eq!(configured("retention.ms", "-1"), Findings::default());
    assert_eq!(configured("retention.ms", "43200001"), Findings::default());
    // A mapping without a bound is a finding of its own.
    assert_eq!(kafka(&topic(), None), Findings::default());
}

#[test]
fn a_bound_on_timestamps_does_not_apply_if_the_broker_sets_them() {
    let mut facts = topic();
    let configuration = &mut facts.topic.as_mut().unwrap().configuration;
    configuration.insert("message.timestamp.type".to_owned(), "LogAppendTime".to_owned());
    configuration.insert("message.timestamp.after.max.ms".to_owned(), "1000".to_owned());
    assert_eq!(kafka(&facts, AGE), Findings::default());
}

fn values(pairs: &Value) -> BTreeMap<String, Value> {
    pairs.as_object().unwrap().clone().into_iter().collect()
}

fn broker() -> RabbitMqFacts {
    RabbitMqFacts {
        version: "4.2.1".to_owned(),
        alarms: Vec::new(),
        exchange: Some(ExchangeFacts { kind: "topic".to_owned(), is_durable: true, ..ExchangeFacts::default() }),
        queue: Some(QueueFacts {
            kind: "quorum".to_owned(),
            state: "running".to_owned(),
            is_durable: true,
            members: Some(3),
            arguments: values(&json!({"x-queue-type": "quorum"})),
            policy: values(&json!({
                "delivery-limit": 1_000_000,
                "dead-letter-exchange": "dead",
                "dead-letter-strategy": "at-least-once",
                "overflow": "reject-publish",
            })),
            ..QueueFacts::default()
        }),
        binding_keys: vec!["#".to_owned()],
        dead_letters_nowhere: None,
    }
}

fn of_broker(change: impl Fn(&mut RabbitMqFacts)) -> Findings {
    let mut facts = broker();
    change(&mut facts);
    rabbitmq(&facts)
}

fn of_exchange(change: fn(&mut ExchangeFacts)) -> Findings {
    of_broker(|facts| change(facts.exchange.as_mut().unwrap()))
}

fn of_queue(change: fn(&mut QueueFacts)) -> Findings {
    of_broker(|facts| change(facts.queue.as_mut().unwrap()))
}

fn with_policy(name: &str, value: &Value) -> Findings {
    of_broker(|facts| _ = facts.queue.as_mut().unwrap().policy.insert(name.to_owned(), value.clone()))
}

fn with_argument(name: &str, value: &Value) -> Findings {
    of_broker(|facts| _ = facts.queue.as_mut().unwrap().arguments.insert(name.to_owned(), value.clone()))
}

fn without_limit(version: &str) -> Findings {
    of_broker(|facts| {
        version.clone_into(&mut facts.version);
        facts.queue.as_mut().unwrap().policy.remove("delivery-limit");
    })
}

fn rabbitmq_cases() -> Vec<Case> {
    vec![
        ("rabbitmq-version", of_broker(|facts| facts.version = "3.9.29".to_owned())),
        ("rabbitmq-alarm", of_broker(|facts| facts.alarms = vec!["memory alarm of rabbit@a".to_owned()])),
        ("rabbitmq-exchange-missing", of_broker(|facts| facts.exchange = None)),
        ("rabbitmq-exchange-type", of_exchange(|exchange| exchange.kind = "direct".to_owned())),
        ("rabbitmq-exchange-internal", of_exchange(|exchange| exchange.is_internal = true)),
        ("rabbitmq-alternate-exchange", of_exchange(|exchange| exchange.alternate_exchange = Some("rest".to_owned()))),
        ("rabbitmq-queue-missing", of_broker(|facts| facts.queue = None)),
        ("rabbitmq-queue-down", of_queue(|queue| queue.state = "minority".to_owned())),
        ("rabbitmq-not-durable", of_queue(|queue| queue.is_durable = false)),
        ("rabbitmq-not-durable", of_exchange(|exchange| exchange.is_durable = false)),
        ("rabbitmq-auto-delete", of_queue(|queue| queue.is_auto_deleted = true)),
        ("rabbitmq-auto-delete", of_queue(|queue| queue.is_exclusive = true)),
        ("rabbitmq-auto-delete", of_exchange(|exchange| exchange.is_auto_deleted = true)),
        ("rabbitmq-message-ttl", with_policy("message-ttl", &json!(60_000))),
        ("rabbitmq-message-ttl", with_argument("x-message-ttl", &json!(60_000))),
        ("rabbitmq-expires", with_policy("expires", &json!(60_000))),
        ("rabbitmq-max-length-rejects", with_policy("max-length", &json!(1_000))),
        ("rabbitmq-binding-missing", of_broker(|facts| facts.binding_keys.clear())),
        ("rabbitmq-binding-missing", of_broker(|facts| facts.binding_keys = vec!["ord-1".to_owned()])),
        ("rabbitmq-classic-queue", of_queue(|queue| queue.kind = "classic".to_owned())),
        ("rabbitmq-stream", of_queue(|queue| queue.kind = "stream".to_owned())),
        ("rabbitmq-one-member", of_queue(|queue| queue.members = Some(1))),
        ("rabbitmq-delivery-limit", with_policy("delivery-limit", &json!(20))),
        // The lower one of argument and policy applies.
        ("rabbitmq-delivery-limit", with_argument("x-delivery-limit", &json!(999_999))),
        ("rabbitmq-delivery-limit", without_limit("4.0.0")),
        ("rabbitmq-delivery-limit-missing", without_limit("3.13.7")),
        ("rabbitmq-delivery-limit-missing", with_policy("delivery-limit", &json!(-1))),
        ("rabbitmq-no-dead-letters", of_queue(|queue| _ = queue.policy.remove("dead-letter-exchange"))),
        ("rabbitmq-dead-letter-strategy", of_queue(|queue| _ = queue.policy.remove("dead-letter-strategy"))),
        ("rabbitmq-dead-letter-strategy", with_argument("x-overflow", &json!("drop-head"))),
        ("rabbitmq-dead-letters-nowhere", of_broker(|facts| facts.dead_letters_nowhere = Some("no queue".to_owned()))),
    ]
}

#[test]
fn a_sound_queue_has_no_findings() {
    assert_eq!(rabbitmq(&broker()), Findings::default());
    let fanout = of_broker(|facts| {
        facts.exchange.as_mut().unwrap().kind = "fanout".to_owned();
        facts.binding_keys = vec![String::new()];
    });
    assert_eq!(fanout, Findings::default());
    assert_eq!(with_argument("x-delivery-limit", &json!(2_000_000)), Findings::default());
}

/// These conditions come with another one.
fn joint_cases() -> Vec<(&'static str, Findings)> {
    let dropping = of_queue(|queue| {
        queue.policy.remove("overflow");
        queue.policy.insert("max-length-bytes".to_owned(), json!(1_000));
    });
    let priorities = of_queue(|queue| {
        queue.kind = "classic".to_owned();
        queue.arguments.insert("x-max-priority".to_owned(), json!(5));
    });
    vec![("rabbitmq-max-length", dropping), ("rabbitmq-priorities", priorities)]
}

#[test]
fn each_condition_is_found_alone() {
    let cases = [table_cases(), mapping_cases(), kinesis_cases(), kafka_cases(), rabbitmq_cases()].concat();
    for (code, findings) in &cases {
        assert_eq!(findings.codes(), [*code], "{findings:?}");
    }
    for (code, findings) in joint_cases() {
        assert!(findings.codes().contains(&code), "{code}: {findings:?}");
    }
    let tested: BTreeSet<_> =
        cases.iter().map(|(code, _)| *code).chain(joint_cases().into_iter().map(|(code, _)| code)).collect();
    let all: Vec<_> = conditions().map(|condition| condition.code).collect();
    assert_eq!(tested, all.iter().copied().collect(), "conditions without a test, or the reverse");
    assert_eq!(tested.len(), all.len(), "two conditions have the same code");
}

#[test]
fn the_runbook_lists_every_condition_with_its_effect() {
    let runbook = include_str!("../../../../docs/operating.md");
    let rows = runbook.lines().filter_map(|line| {
        let (code, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        let (effect, _) = rest.split_once(" | ")?;
        ["loses", "reorders", "stops"].contains(&effect).then_some((code, effect.to_owned()))
    });
    let rows: Vec<_> = rows.collect();
    let all: Vec<_> = conditions().map(|condition| (condition.code, condition.effect.to_string())).collect();
    assert_eq!(rows, all);
}

#[test]
fn the_address_of_the_management_api_has_no_credentials_except_on_this_machine() {
    let local: ManagementUrl = "http://guest:p%40ss@127.0.0.1:15672/".parse().unwrap();
    assert_eq!(local.to_string(), "http://127.0.0.1:15672");
    let credentials = local.credentials().unwrap();
    assert_eq!((credentials.username.as_str(), credentials.password.as_str()), ("guest", "p@ss"));
    let remote: ManagementUrl = "https://b-1.mq.eu-central-1.amazonaws.com".parse().unwrap();
    assert!(remote.credentials().is_none());
    for text in [
        "127.0.0.1:15672",
        "ftp://x",
        "http://",
        "http://guest@127.0.0.1",
        "https://u:p@b-1.example.com",
        "http://u:p@127.0.0.1.example.com",
    ] {
        assert!(text.parse::<ManagementUrl>().is_err(), "{text}");
    }
}
