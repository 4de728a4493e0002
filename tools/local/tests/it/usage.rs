//! Usage metering of real calls of a function.

use paystream_local::{Effect, Fault, FaultTarget, StreamUsage, TableUsage, Usage};
use serde_json::{Value, json};

use crate::harness::Probe;

const TABLE: &str = "ProbeItemsTable";

fn dynamodb(operation: &str, body: &Value) -> Value {
    json!({"service": "dynamodb", "target": format!("DynamoDB_20120810.{operation}"), "body": body})
}

fn kinesis(operation: &str, body: &Value) -> Value {
    json!({"service": "kinesis", "target": format!("Kinesis_20131202.{operation}"), "body": body})
}

fn item(number: i64, bytes: usize) -> Value {
    json!({"n": {"N": number.to_string()}, "do": {"S": "ok"}, "text": {"S": "x".repeat(bytes)}})
}

/// Makes a function send this call, and returns the usage.
async fn use_of(probe: &Probe, call: Value) -> Usage {
    let before = probe.environment.usage();
    let request = probe.client.post(probe.url("/do/call")).body(json!([call]).to_string());
    assert_eq!(request.send().await.unwrap().status(), 200);
    probe.environment.usage().since(&before)
}

async fn table_units(probe: &Probe, operation: &str, body: &Value) -> TableUsage {
    use_of(probe, dynamodb(operation, body)).await.function("Answering").table_units()
}

fn written(write_units: f64) -> TableUsage {
    TableUsage { read_units: 0.0, write_units }
}

fn read(read_units: f64) -> TableUsage {
    TableUsage { read_units, write_units: 0.0 }
}

#[tokio::test]
async fn writes_are_billed_by_the_kilobyte_and_twice_in_a_transaction() {
    let probe = Probe::start().await;
    let put = json!({"TableName": TABLE, "Item": item(1, 2_500)});
    assert_eq!(table_units(&probe, "PutItem", &put).await, written(3.0));
    // The larger size counts, before or after the write.
    let smaller = json!({"TableName": TABLE, "Item": item(1, 10)});
    assert_eq!(table_units(&probe, "PutItem", &smaller).await, written(3.0));
    assert_eq!(table_units(&probe, "PutItem", &smaller).await, written(1.0));
    let both = json!({"TransactItems": [{"Put": smaller}, {"Put": {"TableName": TABLE, "Item": item(2, 1_500)}}]});
    assert_eq!(table_units(&probe, "TransactWriteItems", &both).await, written(6.0));
    let mut refused = put;
    refused["ConditionExpression"] = "attribute_not_exists(n)".into();
    assert_eq!(table_units(&probe, "PutItem", &refused).await, written(1.0));
}

#[tokio::test]
async fn reads_are_billed_by_four_kilobytes_and_half_if_eventually_consistent() {
    let probe = Probe::start().await;
    table_units(&probe, "PutItem", &json!({"TableName": TABLE, "Item": item(1, 5_000)})).await;
    let mut get = json!({"TableName": TABLE, "Key": {"n": {"N": "1"}}});
    assert_eq!(table_units(&probe, "GetItem", &get).await, read(1.0));
    get["ConsistentRead"] = true.into();
    assert_eq!(table_units(&probe, "GetItem", &get).await, read(2.0));
    let absent = json!({"RequestItems": {TABLE: {"Keys": [{"n": {"N": "1"}}, {"n": {"N": "2"}}]}}});
    assert_eq!(table_units(&probe, "BatchGetItem", &absent).await, read(1.5));
}

#[tokio::test]
async fn records_are_billed_by_size_and_requests_and_invocations_by_number() {
    let probe = Probe::start().await;
    let data = "eHh4".repeat(26 * 1024 / 3);
    let records = [json!({"PartitionKey": "a", "Data": "e30="}), json!({"PartitionKey": "b", "Data": data})];
    let put = kinesis("PutRecords", &json!({"StreamName": "ProbeStream", "Records": records}));
    let used = use_of(&probe, put).await;
    let answering = used.function("Answering");
    assert_eq!(answering.kinesis["ProbeStream"], StreamUsage { records: 2, payload_units: 3, kilobytes: 27 });
    assert_eq!((answering.invocations, answering.memory_mb), (1, 128));
    assert!(answering.billed_ms > 0 && answering.gb_seconds() > 0.0);
    assert_eq!(used.apis.values().flat_map(|routes| routes.values()).sum::<u64>(), 1, "{used:?}");

    let served: Usage = probe.get("/_local/usage").await.json().await.unwrap();
    assert_eq!(served.function("Answering"), probe.environment.usage().function("Answering"));
    assert_eq!(probe.client.delete(probe.url("/_local/usage")).send().await.unwrap().status(), 204);
    assert_eq!(probe.environment.usage().function("Answering").invocations, 0);
}

#[tokio::test]
async fn a_call_that_does_not_reach_an_emulator_is_not_billed_and_a_lost_response_is() {
    let probe = Probe::start().await;
    let put = json!({"TableName": TABLE, "Item": item(1, 10)});
    for (effect, billed) in [(Effect::Throttle, 0.0), (Effect::reset_after(), 1.0)] {
        probe.environment.inject(Fault::new(FaultTarget::DynamoDb, effect).count(1)).unwrap();
        assert_eq!(table_units(&probe, "PutItem", &put).await, written(billed));
    }
}
