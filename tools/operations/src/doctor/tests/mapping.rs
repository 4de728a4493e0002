//! Event source mappings.

use serde_json::{Value, json};

use super::super::*;
use super::Case;

/// `RECORD_AGE_MAX_SECONDS` of the relay.
const RELAY_AGE: u64 = 43_200;

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

/// Checks a mapping with changed settings; null removes one.
fn checked(role: MappingRole, kind: SourceKind, changes: &[(&str, Value)]) -> Findings {
    let (mut settings, source) = match kind {
        SourceKind::Stream => (stream_mapping(), "payments"),
        SourceKind::Kafka => (kafka_mapping(), "payments"),
        SourceKind::RabbitMq => (queue_mapping(), "orders.payments"),
    };
    for (name, value) in changes {
        match value {
            Value::Null => _ = settings.as_object_mut().unwrap().remove(*name),
            value => settings[name] = value.clone(),
        }
    }
    let bounds = Bounds {
        source: Some(source.to_owned()),
        virtual_host: Some("shop".to_owned()),
        relay_record_age_seconds: Some(RELAY_AGE),
    };
    mapping(role, kind, Some(&MappingFacts(settings)), &bounds)
}

fn relay(name: &str, value: Value) -> Findings {
    checked(MappingRole::Relay, SourceKind::Stream, &[(name, value)])
}

fn recovery(name: &str, value: Value) -> Findings {
    checked(MappingRole::Recovery, SourceKind::Stream, &[(name, value)])
}

fn projector(name: &str, value: Value) -> Findings {
    checked(MappingRole::Projector, SourceKind::Stream, &[(name, value)])
}

fn kafka(name: &str, value: Value) -> Findings {
    checked(MappingRole::Projector, SourceKind::Kafka, &[(name, value)])
}

fn queue(name: &str, value: Value) -> Findings {
    checked(MappingRole::Projector, SourceKind::RabbitMq, &[(name, value)])
}

pub(super) fn cases() -> Vec<Case> {
    [states(), sources(), destinations(), retries(), ages()].concat()
}

fn states() -> Vec<Case> {
    let stopped = [("State", json!("Disabled")), ("StateTransitionReason", json!("User action"))];
    let problem = json!("PROBLEM: Connection error. Please check your event source connection configuration.");
    let shown = "last result: PROBLEM: Connection error. Please check your event source connection configuration.";
    vec![
        (
            "mapping-missing",
            "it does not exist",
            mapping(MappingRole::Relay, SourceKind::Stream, None, &Bounds::default()),
        ),
        ("mapping-disabled", "state Disabled (User action)", checked(MappingRole::Relay, SourceKind::Stream, &stopped)),
        ("mapping-disabled", "state Disabled", recovery("State", json!("Disabled"))),
        ("mapping-disabled", "state Disabling", queue("State", json!("Disabling"))),
        ("mapping-disabled", "state Deleting", kafka("State", json!("Deleting"))),
        ("mapping-failing", shown, projector("LastProcessingResult", problem.clone())),
        ("mapping-failing", shown, queue("LastProcessingResult", problem)),
    ]
}

fn sources() -> Vec<Case> {
    let filters = json!({"Filters": [{"Pattern": "{}"}]});
    let other = "arn:aws:kinesis:eu-central-1:1:stream/payments-2";
    let (code, late) = ("mapping-other-source", "mapping-starts-late");
    vec![
        (
            code,
            "it reads arn:aws:kinesis:eu-central-1:1:stream/payments-2, expected payments",
            projector("EventSourceArn", json!(other)),
        ),
        (code, "it reads payments-2, expected payments", kafka("Topics", json!(["payments-2"]))),
        // Only a stream is named by a part of its ARN.
        (code, "it reads a/payments, expected payments", kafka("Topics", json!(["a/payments"]))),
        (code, "it reads other, expected orders.payments", queue("Queues", json!(["other"]))),
        (
            code,
            "it reads the virtual host /, expected shop",
            queue("SourceAccessConfigurations", json!([{"Type": "BASIC_AUTH", "URI": "shop"}])),
        ),
        (late, "StartingPosition LATEST, expected TRIM_HORIZON", projector("StartingPosition", json!("LATEST"))),
        (
            late,
            "StartingPosition AT_TIMESTAMP, expected TRIM_HORIZON",
            kafka("StartingPosition", json!("AT_TIMESTAMP")),
        ),
        ("mapping-filters", "FilterCriteria is set", relay("FilterCriteria", filters.clone())),
        ("mapping-filters", "FilterCriteria is set", queue("FilterCriteria", filters)),
    ]
}

fn destinations() -> Vec<Case> {
    let (code, shown) = ("mapping-without-destination", "no on-failure destination");
    let ignores = ("mapping-ignores-item-failures", "no ReportBatchItemFailures");
    let off = ("mapping-without-bisect", "BisectBatchOnFunctionError is off");
    vec![
        (code, shown, projector("DestinationConfig", Value::Null)),
        (code, shown, relay("DestinationConfig", json!({"OnFailure": {}}))),
        (code, shown, recovery("DestinationConfig", json!({"OnFailure": {"Destination": ""}}))),
        // Without a destination, -1 has no limit for Kafka either.
        (
            code,
            shown,
            checked(
                MappingRole::Projector,
                SourceKind::Kafka,
                &[("DestinationConfig", Value::Null), ("MaximumRetryAttempts", json!(-1))],
            ),
        ),
        (ignores.0, ignores.1, projector("FunctionResponseTypes", json!([]))),
        (ignores.0, ignores.1, kafka("FunctionResponseTypes", json!(["Other"]))),
        (off.0, off.1, projector("BisectBatchOnFunctionError", json!(false))),
        (off.0, off.1, kafka("BisectBatchOnFunctionError", Value::Null)),
        ("mapping-not-provisioned", "no ProvisionedPollerConfig", kafka("ProvisionedPollerConfig", Value::Null)),
        // Lambda has no settings for errors then.
        (
            "mapping-not-provisioned",
            "no ProvisionedPollerConfig",
            checked(
                MappingRole::Projector,
                SourceKind::Kafka,
                &[("ProvisionedPollerConfig", Value::Null), ("BisectBatchOnFunctionError", Value::Null)],
            ),
        ),
    ]
}

fn retries() -> Vec<Case> {
    let (code, name) = ("mapping-retries-few", "MaximumRetryAttempts");
    vec![
        (code, "MaximumRetryAttempts 10000", projector(name, json!(10_000))),
        (code, "MaximumRetryAttempts 0", relay(name, json!(0))),
        (code, "MaximumRetryAttempts -1", kafka(name, json!(-1))),
        (code, "MaximumRetryAttempts 9999", kafka(name, json!(9_999))),
    ]
}

fn ages() -> Vec<Case> {
    let (short, long, name) = ("mapping-record-age-short", "mapping-record-age-long", "MaximumRecordAgeInSeconds");
    let resent = "MaximumRecordAgeInSeconds 43199, but RECORD_AGE_MAX_SECONDS of the relay is 43200";
    vec![
        (short, "MaximumRecordAgeInSeconds 3599, below 3600", projector(name, json!(3_599))),
        (short, "MaximumRecordAgeInSeconds 60, below 3600", recovery(name, json!(60))),
        (short, "MaximumRecordAgeInSeconds 3599, below 3600", kafka(name, json!(3_599))),
        (long, "MaximumRecordAgeInSeconds -1", projector(name, json!(-1))),
        (long, "MaximumRecordAgeInSeconds -1", kafka(name, json!(-1))),
        (long, "MaximumRecordAgeInSeconds 86400", relay(name, json!(86_400))),
        (long, "MaximumRecordAgeInSeconds -1", relay(name, json!(-1))),
        (long, "MaximumRecordAgeInSeconds 86400", recovery(name, json!(86_400))),
        (long, "MaximumRecordAgeInSeconds -1", recovery(name, json!(-1))),
        ("relay-record-age", resent, relay(name, json!(43_199))),
    ]
}

#[test]
fn a_sound_mapping_has_no_findings() {
    let age = "MaximumRecordAgeInSeconds";
    for findings in [
        relay("LastModified", json!(1)),
        relay(age, json!(86_399)),
        recovery(age, json!(86_399)),
        recovery(age, json!(3_600)),
        projector(age, json!(3_600)),
        // The retention of the hub is the bound.
        projector(age, json!(604_800)),
        kafka("LastModified", json!(1)),
        queue("LastModified", json!(1)),
        // Its filter leaves out the versions of payments that are decided.
        recovery("FilterCriteria", json!({"Filters": [{}]})),
        projector("FilterCriteria", json!({"Filters": []})),
        // Through a consumer (enhanced fan-out).
        projector("EventSourceArn", json!("arn:aws:kinesis:eu-central-1:1:stream/payments/consumer/orders:1")),
        projector("LastProcessingResult", json!("No records processed")),
    ] {
        assert_eq!(findings, Findings::default());
    }
    for state in ["Enabled", "Enabling", "Creating", "Updating"] {
        assert_eq!(projector("State", json!(state)), Findings::default(), "{state}");
    }
}

#[test]
fn a_mapping_is_compared_only_with_known_settings() {
    for (kind, settings) in [
        (SourceKind::Stream, stream_mapping()),
        (SourceKind::Kafka, kafka_mapping()),
        (SourceKind::RabbitMq, queue_mapping()),
    ] {
        let findings = mapping(MappingRole::Relay, kind, Some(&MappingFacts(settings)), &Bounds::default());
        assert_eq!(findings, Findings::default());
    }
    let mut settings = queue_mapping();
    settings.as_object_mut().unwrap().remove("SourceAccessConfigurations");
    let bounds = Bounds { virtual_host: Some("/".to_owned()), ..Bounds::default() };
    let default = mapping(MappingRole::Projector, SourceKind::RabbitMq, Some(&MappingFacts(settings)), &bounds);
    assert_eq!(default, Findings::default());
}

/// A stream that was turned off and on again has another ARN.
#[test]
fn a_change_stream_is_compared_by_its_whole_arn() {
    let arn = "arn:aws:dynamodb:eu-central-1:1:table/payments/stream/2026-11-01T00:00:00.000";
    let mut settings = stream_mapping();
    settings["EventSourceArn"] = json!(arn);
    let facts = MappingFacts(settings);
    let of = |source: &str| {
        let bounds = Bounds { source: Some(source.to_owned()), ..Bounds::default() };
        mapping(MappingRole::Relay, SourceKind::Stream, Some(&facts), &bounds)
    };
    assert_eq!(of(arn), Findings::default());
    let former = of("arn:aws:dynamodb:eu-central-1:1:table/payments/stream/2026-11-02T00:00:00.000");
    assert_eq!(former.codes(), ["mapping-other-source"]);
}
