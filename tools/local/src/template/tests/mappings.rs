//! Event source mappings: defaults, and invalid settings.

use std::time::{Duration, SystemTime};

use super::{refused, with_function};
use crate::template::error::LocatedProblem;
use crate::template::{KafkaSource, MappingSource, MappingSpec, StartingPosition, Template};

/// Parses a template with a Kinesis event that starts at `LATEST`, with these additional properties from line 14 on.
fn with_stream_event(properties: &str) -> Result<Template, LocatedProblem> {
    with_event("Kinesis", "PaymentStream.Arn", &format!("            StartingPosition: LATEST\n{properties}"))
}

/// Parses a template with a stream event that has these additional properties, from line 13 on.
fn with_event(kind: &str, stream: &str, properties: &str) -> Result<Template, LocatedProblem> {
    with_function(&format!(
        "      Events:\n        Paid:\n          Type: {kind}\n          Properties:\n            Stream: !GetAtt {stream}\n\
         {properties}  PaymentStream:\n    Type: AWS::Kinesis::Stream\n  PaymentsTable:\n    Type: AWS::DynamoDB::Table\n    \
         Properties:\n      AttributeDefinitions: [{{ AttributeName: a, AttributeType: S }}]\n      KeySchema: [{{ AttributeName: a, \
         KeyType: HASH }}]\n      StreamSpecification: {{ StreamViewType: NEW_IMAGE }}\n"
    ))
}

#[track_caller]
fn mapping(properties: &str) -> MappingSpec {
    with_stream_event(&format!("            {properties}\n")).unwrap().mappings.remove(0)
}

#[test]
fn an_event_source_mapping_has_the_defaults_that_aws_has() {
    let mapping = with_stream_event("").unwrap().mappings.remove(0);
    assert_eq!((mapping.batch_size, mapping.batching_window, mapping.parallelization_factor), (100, Duration::ZERO, 1));
    assert_eq!(mapping.starting_position, StartingPosition::Latest);
    assert!(!mapping.bisect && !mapping.reports_item_failures && mapping.enabled);
    assert_eq!((mapping.retries_max, mapping.record_age_max), (None, None));
    assert!(mapping.filters.matches("{}"));
}

#[test]
fn settings_of_an_event_source_mapping_are_read() {
    assert_eq!(mapping("MaximumRetryAttempts: -1").retries_max, None);
    assert_eq!(mapping("MaximumRetryAttempts: 0").retries_max, Some(0));
    assert_eq!(mapping("MaximumRecordAgeInSeconds: -1").record_age_max, None);
    assert_eq!(mapping("MaximumRecordAgeInSeconds: 60").record_age_max, Some(Duration::from_mins(1)));
    assert_eq!(mapping("ParallelizationFactor: 10").parallelization_factor, 10);
    assert!(mapping("FilterCriteria: {}").filters.matches("{}"));
    let filtered = mapping("FilterCriteria: { Filters: [{ Pattern: '{\"partitionKey\":[\"ord-1\"]}' }] }");
    assert!(filtered.filters.matches(r#"{"kinesis":{"partitionKey":"ord-1"}}"#) && !filtered.filters.matches("{}"));
}

#[test]
fn invalid_settings_of_an_event_source_mapping_are_rejected() {
    for (property, message) in [
        ("ParallelizationFactor: 0", "ParallelizationFactor must be a whole number from 1 to 10"),
        ("ParallelizationFactor: 11", "ParallelizationFactor must be a whole number from 1 to 10"),
        ("BatchSize: 10001", "BatchSize must be a whole number from 1 to 10000"),
        ("MaximumRecordAgeInSeconds: 59", "MaximumRecordAgeInSeconds must be -1, or a whole number from 60 to 604800"),
        ("FunctionResponseTypes: [Other]", "FunctionResponseTypes must be [ReportBatchItemFailures]"),
        ("BisectBatchOnFunctionError: often", "BisectBatchOnFunctionError must be true or false"),
        ("TumblingWindowInSeconds: 5", "property TumblingWindowInSeconds is not supported"),
    ] {
        let message = format!("resource PaymentApi: event Paid: {message}");
        refused(with_stream_event(&format!("            {property}\n")), 14, &message);
    }
    let queue =
        "            DestinationConfig:\n              OnFailure:\n                Destination: arn:aws:sqs:x:y:z\n";
    refused(
        with_stream_event(queue),
        16,
        "resource PaymentApi: event Paid: DestinationConfig: OnFailure: Destination must be !GetAtt",
    );
}

#[test]
fn invalid_filter_criteria_are_rejected_with_their_line() {
    for (filters, line, message) in [
        ("                - Pattern: '{'", 16, "Pattern: it is not JSON: "),
        (
            "                - Pattern: '{\"data\":{\"a\":[1]}}'\n                - Pattern: '{\"data\":{\"a\":[{\"cidr\":\"x\"}]}}'",
            17,
            "Pattern: the local environment does not support operator cidr",
        ),
        ("                - { data: { a: [1] } }", 16, "property data is not supported"),
        ("                - Pattern: { data: { a: [1] } }", 16, "Pattern must be text"),
        ("                - {}", 16, "property Pattern is missing"),
    ] {
        let criteria = format!("            FilterCriteria:\n              Filters:\n{filters}\n");
        let message = format!("resource PaymentApi: event Paid: FilterCriteria: Filters: {message}");
        refused(with_stream_event(&criteria), line, &message);
    }
    let six = ["{ Pattern: '{\"partitionKey\":[\"a\"]}' }"; 6].join(", ");
    let criteria = format!("            FilterCriteria:\n              Filters: [{six}]\n");
    let message = "resource PaymentApi: event Paid: FilterCriteria: Filters must be a list of 1 to 5 filters";
    refused(with_stream_event(&criteria), 15, message);
    refused(with_stream_event("            FilterCriteria: { Filters: [] }\n"), 14, message);
}

#[test]
fn a_mapping_can_start_at_a_timestamp_that_is_not_in_the_future() {
    let at = |timestamp: &str| {
        let position =
            format!("            StartingPosition: AT_TIMESTAMP\n            StartingPositionTimestamp: {timestamp}\n");
        with_event("Kinesis", "PaymentStream.Arn", &position)
    };
    for (timestamp, since) in [("1541139109", 1_541_139_109.0), ("1541139109.5", 1_541_139_109.5)] {
        let expected = StartingPosition::AtTimestamp(Duration::from_secs_f64(since));
        assert_eq!(at(timestamp).unwrap().mappings[0].starting_position, expected);
    }
    let tomorrow = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() + 86_400;
    for wrong in [&tomorrow.to_string(), "-1", "2018-11-02T06:11:49Z", ".inf"] {
        let message =
            "resource PaymentApi: event Paid: StartingPositionTimestamp must be seconds since 1970, not in the future";
        refused(at(wrong), 14, message);
    }
}

#[test]
fn a_starting_timestamp_is_only_for_kinesis_mappings_at_timestamp() {
    let at = "            StartingPosition: AT_TIMESTAMP\n";
    let missing = "resource PaymentApi: event Paid: property StartingPositionTimestamp is missing";
    refused(with_event("Kinesis", "PaymentStream.Arn", at), 9, missing);
    let unused = "resource PaymentApi: event Paid: StartingPositionTimestamp must be left out";
    refused(with_stream_event("            StartingPositionTimestamp: 1541139109\n"), 14, unused);
    let of_a_table = "resource PaymentApi: event Paid: StartingPosition must be TRIM_HORIZON or LATEST";
    refused(with_event("DynamoDB", "PaymentsTable.StreamArn", at), 13, of_a_table);
}

/// Parses a template with a function and one mapping resource, whose properties begin at line 13.
fn with_mapping(properties: &str) -> Result<Template, LocatedProblem> {
    with_function(&format!(
        "  Paid:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties:\n      FunctionName: !Ref PaymentApi\n      \
         BatchSize: 7\n{properties}  PaymentStream:\n    Type: AWS::Kinesis::Stream\n  Failures:\n    Type: AWS::S3::Bucket\n  \
         PaymentsTable:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      AttributeDefinitions: [{{ AttributeName: a, \
         AttributeType: S }}]\n      KeySchema: [{{ AttributeName: a, KeyType: HASH }}]\n      StreamSpecification: {{ \
         StreamViewType: NEW_IMAGE }}\n"
    ))
}

const KINESIS: &str = "      EventSourceArn: !GetAtt PaymentStream.Arn\n      StartingPosition: LATEST\n";
const TABLE: &str = "      EventSourceArn: !GetAtt PaymentsTable.StreamArn\n      StartingPosition: TRIM_HORIZON\n";
const MSK: &str = "      EventSourceArn: arn:aws:kafka:us-east-1:000000000000:cluster/payments/1\n      \
                   StartingPosition: LATEST\n      Topics: [payments]\n";
const SELF_MANAGED: &str = "      SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: ['a:1', 'b:2'] } }\n      \
                            StartingPosition: TRIM_HORIZON\n      Topics: [payments]\n";
const RABBIT_MQ: &str = "      EventSourceArn: arn:aws:mq:us-east-1:000000000000:broker:payments:b-1\n      \
                         Queues: [orders]\n      SourceAccessConfigurations:\n        - { Type: BASIC_AUTH, URI: arn:s }\n";

#[test]
fn mappings_of_all_kinds_can_be_resources() {
    let source_of = |properties: &str| {
        let mapping = with_mapping(properties).unwrap().mappings.remove(0);
        assert_eq!((mapping.id.as_str(), mapping.function.as_str(), mapping.batch_size), ("Paid", "PaymentApi", 7));
        mapping.source
    };
    assert_eq!(source_of(KINESIS), MappingSource::Kinesis("PaymentStream".to_owned()));
    assert_eq!(source_of(TABLE), MappingSource::Table("PaymentsTable".to_owned()));
    let kafka = KafkaSource {
        cluster_arn: None,
        bootstrap_servers: "a:1,b:2".to_owned(),
        topic: "payments".to_owned(),
        consumer_group: "Paid".to_owned(),
    };
    assert_eq!(source_of(SELF_MANAGED), MappingSource::Kafka(kafka.clone()));
    let group = "      AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: orders }\n";
    let arn = "arn:aws:kafka:us-east-1:000000000000:cluster/payments/1".to_owned();
    let msk = KafkaSource {
        cluster_arn: Some(arn),
        bootstrap_servers: String::new(),
        consumer_group: "orders".to_owned(),
        ..kafka
    };
    assert_eq!(source_of(&format!("{MSK}{group}")), MappingSource::Kafka(msk));
    let MappingSource::RabbitMq(queue) = source_of(RABBIT_MQ) else { panic!("not RabbitMQ") };
    assert_eq!(
        (queue.queue.as_str(), queue.virtual_host.as_str(), queue.secret_arn.as_str()),
        ("orders", "/", "arn:s")
    );
}

#[test]
fn kafka_and_rabbitmq_mappings_have_the_defaults_that_aws_has() {
    for properties in [MSK, SELF_MANAGED, RABBIT_MQ] {
        let mapping = with_mapping(properties).unwrap().mappings.remove(0);
        assert_eq!((mapping.batching_window, mapping.retries_max), (Duration::from_millis(500), None));
        let window = format!("{properties}      MaximumBatchingWindowInSeconds: 0\n");
        assert_eq!(with_mapping(&window).unwrap().mappings[0].batching_window, Duration::ZERO);
    }
    let destination = "      DestinationConfig: { OnFailure: { Destination: !GetAtt Failures.Arn } }\n";
    let mapping = with_mapping(&format!("{MSK}{destination}")).unwrap().mappings.remove(0);
    assert_eq!((mapping.retries_max, mapping.on_failure.as_deref()), (Some(10), Some("Failures")));
}

#[test]
fn error_handling_of_a_kafka_mapping_needs_provisioned_mode() {
    for property in ["MaximumRetryAttempts: 3", "BisectBatchOnFunctionError: true", "MaximumRecordAgeInSeconds: 60"] {
        let message = "must be left out of a Kafka mapping without ProvisionedPollerConfig";
        let expected = format!("resource Paid: {} {message}", property.split(':').next().unwrap());
        refused(with_mapping(&format!("{MSK}      {property}\n")), 16, &expected);
        let provisioned = format!("{MSK}      {property}\n      ProvisionedPollerConfig: {{ MinimumPollers: 1 }}\n");
        assert!(with_mapping(&provisioned).is_ok(), "{property}");
    }
    let wrong = "      ProvisionedPollerConfig: { MinimumPollers: 3, MaximumPollers: 2 }\n";
    let message = "resource Paid: ProvisionedPollerConfig: MaximumPollers must be at least MinimumPollers, 3";
    refused(with_mapping(&format!("{MSK}{wrong}")), 16, message);
}

#[test]
fn a_property_of_another_kind_of_mapping_is_rejected() {
    for (mapping, line, property, kind) in [
        (KINESIS, 15, "Topics: [payments]", "a Kinesis stream"),
        (TABLE, 15, "Queues: [orders]", "a DynamoDB stream"),
        (MSK, 16, "ParallelizationFactor: 2", "an MSK cluster"),
        (MSK, 16, "Queues: [orders]", "an MSK cluster"),
        (SELF_MANAGED, 16, "EventSourceArn: arn:aws:kafka:us-east-1:0:cluster/a/b", "a self-managed Kafka cluster"),
        (SELF_MANAGED, 16, "ParallelizationFactor: 2", "a self-managed Kafka cluster"),
        (RABBIT_MQ, 17, "StartingPosition: LATEST", "an Amazon MQ broker"),
        (RABBIT_MQ, 17, "BisectBatchOnFunctionError: true", "an Amazon MQ broker"),
    ] {
        let name = property.split(':').next().unwrap();
        let expected = format!("resource Paid: {name} must be left out of a mapping of {kind}");
        refused(with_mapping(&format!("{mapping}      {property}\n")), line, &expected);
    }
}

#[test]
fn invalid_sources_of_a_mapping_are_rejected() {
    let queue = "      EventSourceArn: arn:aws:sqs:us-east-1:000000000000:orders\n";
    refused(with_mapping(queue), 13, "resource Paid: EventSourceArn must be the ARN of a stream");
    let topics = SELF_MANAGED.replace("[payments]", "[payments, refunds]");
    refused(with_mapping(&topics), 15, "resource Paid: Topics must be a list of one name");
    let servers = SELF_MANAGED.replace("'a:1'", "a");
    let message =
        "resource Paid: SelfManagedEventSource: Endpoints: KafkaBootstrapServers must be a list of 1 to 10 HOST:PORT";
    refused(with_mapping(&servers), 13, message);
    let access = RABBIT_MQ.replace("BASIC_AUTH", "VPC_SUBNET");
    refused(with_mapping(&access), 16, "resource Paid: SourceAccessConfigurations: Type must be one of BASIC_AUTH");
    let other = with_mapping(KINESIS).unwrap();
    assert_eq!(other.mappings.len(), 1);
}
