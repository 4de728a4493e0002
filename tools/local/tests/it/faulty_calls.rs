//! Faults of functions' calls to the emulators: what the function gets, and what the emulator stores.

use paystream_local::{Effect, ErrorAnswer, Fault, FaultTarget, Service};
use serde_json::{Value, json};

use crate::harness::Probe;

/// `PutItem` of an item with this number.
fn put_item(number: i64) -> Value {
    let item = json!({"n": {"N": number.to_string()}, "do": {"S": "ok"}});
    json!({"service": "dynamodb", "target": "DynamoDB_20120810.PutItem", "body": {"TableName": "ProbeItemsTable", "Item": item}})
}

fn get_item(number: i64) -> Value {
    let body = json!({"TableName": "ProbeItemsTable", "Key": {"n": {"N": number.to_string()}}});
    json!({"service": "dynamodb", "target": "DynamoDB_20120810.GetItem", "body": body})
}

fn put_record(partition_key: &str) -> Value {
    let body = json!({"StreamName": "ProbeStream", "PartitionKey": partition_key, "Data": "e30="});
    json!({"service": "kinesis", "target": "Kinesis_20131202.PutRecord", "body": body})
}

fn put_records(keys: std::ops::Range<usize>) -> Value {
    let records: Vec<Value> = keys.map(|key| json!({"PartitionKey": key.to_string(), "Data": "e30="})).collect();
    let body = json!({"StreamName": "ProbeStream", "Records": records});
    json!({"service": "kinesis", "target": "Kinesis_20131202.PutRecords", "body": body})
}

/// Makes a function send calls in sequence, and returns their results. Null if the function died.
async fn call_from(probe: &Probe, path: &str, calls: &[Value]) -> Value {
    let request = probe.client.post(probe.url(path)).body(Value::from(calls).to_string());
    let response = request.send().await.unwrap();
    if response.status() == 502 { Value::Null } else { response.json().await.unwrap() }
}

async fn call(probe: &Probe, calls: &[Value]) -> Value {
    call_from(probe, "/do/call", calls).await
}

/// Returns the number of items in the table, read without faults.
async fn items(probe: &Probe) -> u64 {
    probe.environment.status().await.tables["ProbeItemsTable"].items.unwrap()
}

/// Returns the partition keys of all records on the stream, in order.
async fn records(probe: &Probe) -> Vec<String> {
    let first =
        json!({"StreamName": "ProbeStream", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = probe.kinesis("GetShardIterator", first).await;
    let page = probe.kinesis("GetRecords", json!({"ShardIterator": iterator["ShardIterator"]})).await;
    let records = page["Records"].as_array().unwrap().iter();
    records.map(|record| record["PartitionKey"].as_str().unwrap().to_owned()).collect()
}

fn inject(probe: &Probe, fault: Fault) {
    probe.environment.inject(fault).unwrap();
}

#[tokio::test]
async fn an_error_has_the_format_of_the_service_and_the_call_is_not_executed() {
    let probe = Probe::start().await;
    inject(&probe, Fault::new(FaultTarget::DynamoDb, Effect::error("InternalServerError")).operation("PutItem"));
    let custom =
        ErrorAnswer { code: "KMSThrottlingException".to_owned(), message: Some("no".to_owned()), status: Some(418) };
    inject(&probe, Fault::new(FaultTarget::Kinesis, Effect::Error(custom)));
    let answers = call(&probe, &[put_item(1), get_item(1), put_record("a")]).await;
    assert_eq!(answers[0]["status"], 500);
    assert_eq!(answers[0]["headers"]["content-type"], "application/x-amz-json-1.0");
    assert_eq!(answers[0]["headers"]["x-amzn-errortype"], "InternalServerError");
    assert_eq!(answers[0]["body"]["__type"], "com.amazonaws.dynamodb.v20120810#InternalServerError");
    assert_eq!(answers[0]["body"]["message"], "injected fault");
    assert_eq!(answers[1]["status"], 200, "another operation");
    assert_eq!(answers[2]["status"], 418);
    assert_eq!(answers[2]["headers"]["content-type"], "application/x-amz-json-1.1");
    assert_eq!(answers[2]["headers"]["x-amzn-errortype"], "KMSThrottlingException");
    assert_eq!(answers[2]["body"], json!({"__type": "KMSThrottlingException", "message": "no"}));
    assert_eq!((items(&probe).await, records(&probe).await.len()), (0, 0));
}

#[tokio::test]
async fn throttling_has_the_same_name_at_both_services() {
    let probe = Probe::start().await;
    inject(&probe, Fault::new(FaultTarget::DynamoDb, Effect::Throttle));
    inject(&probe, Fault::new(FaultTarget::Kinesis, Effect::Throttle));
    let answers = call(&probe, &[put_item(1), put_record("a")]).await;
    for (answer, error) in [
        (&answers[0], "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"),
        (&answers[1], "ProvisionedThroughputExceededException"),
    ] {
        assert_eq!((&answer["status"], &answer["body"]["__type"]), (&json!(400), &json!(error)));
    }
    assert_eq!((items(&probe).await, records(&probe).await.len()), (0, 0));
}

#[tokio::test]
async fn a_connection_is_reset_before_or_after_the_call_and_the_next_call_works() {
    let probe = Probe::start().await;
    for (effect, written) in [(Effect::reset_before(), 0), (Effect::reset_after(), 1)] {
        inject(&probe, Fault::new(FaultTarget::DynamoDb, effect.clone()).count(1));
        inject(&probe, Fault::new(FaultTarget::Kinesis, effect).count(1));
        let answers = call(&probe, &[put_item(1), put_record("a")]).await;
        assert_eq!(answers, json!([{"broken": "ConnectionReset"}, {"broken": "ConnectionReset"}]));
        assert_eq!((items(&probe).await, records(&probe).await.len()), (written, usize::try_from(written).unwrap()));
    }
    let answers = call(&probe, &[put_item(2), put_record("b")]).await;
    assert_eq!((&answers[0]["status"], &answers[1]["status"]), (&json!(200), &json!(200)));
    assert_eq!((items(&probe).await, records(&probe).await), (2, vec!["a".to_owned(), "b".to_owned()]));
}

#[tokio::test]
async fn the_calling_sandbox_is_killed_before_or_after_the_call_and_replaced() {
    let probe = Probe::start().await;
    let mut starts = 0;
    for (target, effect, items_after, records_after) in [
        (FaultTarget::DynamoDb, Effect::kill_before(), 0, 0),
        (FaultTarget::DynamoDb, Effect::kill_after(), 1, 0),
        (FaultTarget::Kinesis, Effect::kill_before(), 2, 0),
        (FaultTarget::Kinesis, Effect::kill_after(), 3, 1),
    ] {
        inject(&probe, Fault::new(target, effect).count(1));
        assert_eq!(call(&probe, &[put_item(starts), put_record("a")]).await, Value::Null);
        assert_eq!((items(&probe).await, records(&probe).await.len()), (items_after, records_after));
        let status = probe.environment.status().await.functions["Answering"].clone();
        starts += 1;
        assert_eq!((status.sandboxes, i64::try_from(status.cold_starts).unwrap()), (0, starts));
    }
    let log = probe.log.lock().unwrap().join("\n");
    assert_eq!(
        log.matches("the function's process ended during the invocation: signal: 9 (SIGKILL)").count(),
        4,
        "{log}"
    );
    assert_eq!(call(&probe, &[put_item(9)]).await[0]["status"], 200);
}

#[tokio::test]
async fn a_sandbox_that_calls_during_init_is_killed() {
    let probe = Probe::start().await;
    inject(&probe, Fault::new(FaultTarget::DynamoDb, Effect::kill_before()).operation("ListTables").count(1));
    assert_eq!(probe.get("/connecting/echo").await.status(), 502);
    let log = probe.log.lock().unwrap().join("\n");
    assert!(
        log.contains(
            "did not start: Runtime.InitError: the process exited before it requested an invocation: signal: 9"
        ),
        "{log}"
    );
    // As after any failed init, there is a pause before the next attempt.
    probe.eventually("it starts", async || probe.get("/connecting/echo").await.status() == 200).await;
}

#[tokio::test]
async fn put_records_rejects_some_entries_and_writes_the_others() {
    let probe = Probe::start().await;
    let fault = Fault::new(FaultTarget::Kinesis, Effect::Partial(0.5)).operation("PutRecords");
    inject(&probe, fault.clone().seed(7).count(1));
    let answer = call(&probe, &[put_records(0..40)]).await[0].take();
    assert_eq!(answer["status"], 200);
    let entries = answer["body"]["Records"].as_array().unwrap();
    assert_eq!(entries.len(), 40);
    let (mut refused, mut written) = (0, Vec::new());
    for (place, entry) in entries.iter().enumerate() {
        if entry["ErrorCode"] == "ProvisionedThroughputExceededException" {
            assert!(entry["ErrorMessage"].is_string() && entry.get("SequenceNumber").is_none(), "{entry}");
            refused += 1;
        } else {
            assert!(entry["SequenceNumber"].is_string() && entry["ShardId"].is_string(), "{entry}");
            written.push(place.to_string());
        }
    }
    assert!(refused > 0 && !written.is_empty(), "{entries:?}");
    assert_eq!(answer["body"]["FailedRecordCount"], refused);
    assert_eq!(records(&probe).await, written);

    // The same seed rejects the same entries. If all are rejected, nothing is written.
    inject(&probe, fault.clone().seed(7).count(1));
    let again = call(&probe, &[put_records(0..40)]).await[0].take();
    let codes = |entries: &[Value]| entries.iter().map(|entry| entry["ErrorCode"].clone()).collect::<Vec<_>>();
    assert_eq!(codes(again["body"]["Records"].as_array().unwrap()), codes(entries));
    let before = records(&probe).await.len();
    inject(&probe, Fault { effect: Effect::Partial(1.0), ..fault });
    let none = call(&probe, &[put_records(0..3), put_record("alone")]).await;
    assert_eq!((&none[0]["status"], &none[0]["body"]["FailedRecordCount"]), (&json!(200), &json!(3)));
    assert_eq!(none[0]["headers"]["content-type"], "application/x-amz-json-1.1");
    assert_eq!(none[1]["status"], 200, "PutRecord cannot fail in part");
    assert_eq!(records(&probe).await.len(), before + 1);
}

#[tokio::test]
async fn put_records_writes_its_entries_in_another_order_and_returns_results_in_that_of_the_request() {
    let probe = Probe::start().await;
    inject(&probe, Fault::new(FaultTarget::Kinesis, Effect::Reorder(0)).operation("PutRecords").seed(7).count(1));
    let answer = call(&probe, &[put_records(0..40)]).await[0].take();
    assert_eq!((&answer["status"], &answer["body"]["FailedRecordCount"]), (&json!(200), &json!(0)));
    let written = records(&probe).await;
    let in_order: Vec<_> = (0..40).map(|place| place.to_string()).collect();
    assert_ne!(written, in_order);
    // Sequence numbers have up to 128 digits, and here as many each.
    let number = |entry: &Value| entry["SequenceNumber"].as_str().unwrap().to_owned();
    let entries = answer["body"]["Records"].as_array().unwrap();
    let mut places: Vec<usize> = (0..40).collect();
    places.sort_by_key(|place| number(&entries[*place]));
    assert_eq!(places.iter().map(usize::to_string).collect::<Vec<_>>(), written, "each entry has its own result");
}

#[tokio::test]
async fn faults_strike_only_calls_of_functions_or_of_the_named_function() {
    let probe = Probe::start().await;
    inject(&probe, Fault::new(FaultTarget::DynamoDb, Effect::Throttle).from("Other"));
    assert_eq!(call(&probe, &[put_item(1)]).await[0]["status"], 200);
    assert_eq!(call_from(&probe, "/other/call", &[put_item(2)]).await[0]["status"], 400);
    inject(&probe, Fault::new(FaultTarget::DynamoDb, Effect::Throttle));
    inject(&probe, Fault::new(FaultTarget::Kinesis, Effect::Throttle));
    assert_eq!(call(&probe, &[put_item(1)]).await[0]["status"], 400);
    // The test's own calls pass, and so do the reads of event source mappings.
    probe.put_item(3, "ok").await;
    probe.write(&[(4, "ok")]).await;
    probe.handled(1).await;
    assert_eq!(probe.environment.faults().iter().map(|fault| fault.struck).collect::<Vec<_>>(), [1, 1, 0]);
}

#[tokio::test]
async fn a_delayed_call_does_not_block_others() {
    let probe = Probe::start().await;
    inject(&probe, Fault::new(FaultTarget::Kinesis, Effect::LatencyMs(60_000)).from("Answering"));
    let request = probe.client.post(probe.url("/do/call")).body(Value::from(vec![put_record("late")]).to_string());
    let delayed = tokio::spawn(request.send());
    probe.eventually("it is delayed", async || probe.environment.faults()[0].struck == 1).await;
    assert_eq!(call_from(&probe, "/other/call", &[put_record("first")]).await[0]["status"], 200);
    assert_eq!(records(&probe).await, ["first"]);
    assert!(!delayed.is_finished());
}

#[tokio::test]
async fn a_call_that_has_arrived_is_executed_after_its_caller_was_killed() {
    let probe = Probe::start().await;
    inject(&probe, Fault::new(FaultTarget::DynamoDb, Effect::LatencyMs(100)));
    let request = probe.client.post(probe.url("/do/call")).body(Value::from(vec![put_item(1)]).to_string());
    let delayed = tokio::spawn(request.send());
    probe.eventually("it is delayed", async || probe.environment.faults()[0].struck == 1).await;
    probe.environment.kill_sandboxes("Answering").await.unwrap();
    assert_eq!(delayed.await.unwrap().unwrap().status(), 502);
    probe.eventually("it is executed", async || items(&probe).await == 1).await;
}

#[tokio::test]
async fn calls_that_reach_an_emulator_are_counted_by_function_service_and_operation() {
    let probe = Probe::start().await;
    probe.put_item(0, "ok").await;
    inject(&probe, Fault::new(FaultTarget::DynamoDb, Effect::reset_after()).operation("PutItem").count(1));
    inject(&probe, Fault::new(FaultTarget::DynamoDb, Effect::reset_before()).operation("PutItem").skip(1).count(1));
    inject(&probe, Fault::new(FaultTarget::Kinesis, Effect::Throttle).count(1));
    let calls = [put_item(1), put_item(1), put_item(1), get_item(1), put_record("a"), put_record("a")];
    call(&probe, &calls).await;
    call_from(&probe, "/other/call", &[get_item(1)]).await;
    let expected = json!({
        "Answering": {"dynamodb": {"PutItem": 2, "GetItem": 1}, "kinesis": {"PutRecord": 1}},
        "Other": {"dynamodb": {"GetItem": 1}},
    });
    assert_eq!(probe.get("/_local/calls").await.json::<Value>().await.unwrap(), expected);
    let calls = probe.environment.calls();
    assert_eq!((calls.count("Answering", Service::DynamoDb, "PutItem"), calls.total()), (2, 5));
    assert_eq!(probe.client.delete(probe.url("/_local/calls")).send().await.unwrap().status(), 204);
    assert_eq!(probe.environment.calls().total(), 0);
}
