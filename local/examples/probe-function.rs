//! A function for the tests of the local environment: what it does is said by what it is given.
//!
//! It writes down every batch it is given (`JOURNAL`), and waits for a file where it is told to (`GATE`).

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

const GATE_POLL: Duration = Duration::from_millis(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var_os("FAIL_INIT").is_some() {
        return Err("this function was told not to start".into());
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let payload = event.payload;
    if payload["Records"].is_array() { batch(&payload).await } else { request(&payload).await }
}

async fn request(event: &Value) -> Result<Value, Error> {
    let action = event["pathParameters"]["action"].as_str().unwrap_or("echo");
    Ok(match action {
        "binary" => json!({
            "statusCode": 200, "headers": {"content-type": "application/octet-stream"},
            "body": event["body"], "isBase64Encoded": event["isBase64Encoded"],
        }),
        "malformed" => json!("hello"),
        "fail" => return Err("this request was told to fail".into()),
        "crash" => std::process::exit(3),
        "hang" => std::future::pending().await,
        "wait" => {
            wait_for_gate().await;
            json!({"statusCode": 204})
        }
        "variables" => {
            let variables: std::collections::BTreeMap<String, String> = std::env::vars().collect();
            json!({"statusCode": 200, "body": serde_json::to_string(&variables)?})
        }
        "log" => {
            let line =
                json!({"timestamp": "2026-11-22T20:00:00.123Z", "level": "INFO", "message": "probed", "number": 7});
            write_line(&mut std::io::stdout(), &line.to_string())?;
            json!({"statusCode": 200})
        }
        _ => json!({"statusCode": 200, "body": event.to_string(), "multiValueHeaders": {"x-many": ["1", "2"]}}),
    })
}

/// Every record says what is to happen to it: `{"n": 1, "do": "ok"}`. What ends in `-once` happens once per record.
async fn batch(event: &Value) -> Result<Value, Error> {
    let records: Vec<(Value, Value)> = event["Records"].as_array().into_iter().flatten().map(record).collect();
    let numbers: Vec<&Value> = records.iter().map(|(_, data)| &data["n"]).collect();
    let mut journal = std::fs::OpenOptions::new().create(true).append(true).open(path("JOURNAL"))?;
    write_line(&mut journal, &json!(numbers).to_string())?;
    let mut failures = Vec::new();
    for (identifier, data) in &records {
        match data["do"].as_str().unwrap_or("ok") {
            action if action.ends_with("-once") && !is_first(data)? => {}
            "report-once" | "report-always" => failures.push(json!({"itemIdentifier": identifier})),
            "fail-once" | "fail-always" => return Err("this record was told to fail".into()),
            "crash-once" => std::process::exit(3),
            "wait" => wait_for_gate().await,
            _ => {}
        }
    }
    Ok(json!({"batchItemFailures": failures}))
}

/// The identifier of a record, and what it holds.
fn record(record: &Value) -> (Value, Value) {
    if let Some(data) = record["kinesis"]["data"].as_str() {
        let data = STANDARD.decode(data).unwrap_or_default();
        return (record["kinesis"]["sequenceNumber"].clone(), serde_json::from_slice(&data).unwrap_or_default());
    }
    let image = &record["dynamodb"]["NewImage"];
    let number: Value = image["n"]["N"].as_str().and_then(|text| text.parse::<i64>().ok()).into();
    (record["dynamodb"]["SequenceNumber"].clone(), json!({"n": number, "do": image["do"]["S"]}))
}

fn is_first(data: &Value) -> Result<bool, Error> {
    let marker = path("JOURNAL").with_extension(format!("seen-{}", data["n"]));
    match std::fs::File::create_new(marker) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn wait_for_gate() {
    while !path("GATE").exists() {
        tokio::time::sleep(GATE_POLL).await;
    }
}

fn path(variable: &str) -> PathBuf {
    std::env::var_os(variable).unwrap_or_default().into()
}

fn write_line(to: &mut impl Write, line: &str) -> std::io::Result<()> {
    to.write_all(format!("{line}\n").as_bytes())
}
