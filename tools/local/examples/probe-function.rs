//! Function for the tests of the local environment. Its input selects what it does.
//!
//! It appends every batch to a file (`JOURNAL`), waits for a file to exist on request (`GATE`), and calls the emulators
//! with a client that does not retry.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const GATE_POLL: Duration = Duration::from_millis(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var_os("FAIL_INIT").is_some() {
        return Err("init failure requested by FAIL_INIT".into());
    }
    if std::env::var_os("CALL_IN_INIT").is_some() {
        let list_tables = json!({"service": "dynamodb", "target": "DynamoDB_20120810.ListTables", "body": {}});
        call(&reqwest::Client::new(), &list_tables).await?;
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let payload = event.payload;
    let is_batch =
        payload["Records"].is_array() || payload["records"].is_object() || payload["rmqMessagesByQueue"].is_object();
    if is_batch { batch(&payload).await } else { request(&payload).await }
}

async fn request(event: &Value) -> Result<Value, Error> {
    let action = event["pathParameters"]["action"].as_str().unwrap_or("echo");
    Ok(match action {
        "binary" => json!({
            "statusCode": 200, "headers": {"content-type": "application/octet-stream"},
            "body": event["body"], "isBase64Encoded": event["isBase64Encoded"],
        }),
        "malformed" => json!("hello"),
        "fail" => return Err("failure requested by the path".into()),
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
        "call" => {
            let calls: Vec<Value> = serde_json::from_str(event["body"].as_str().unwrap_or_default())?;
            let client = reqwest::Client::new();
            let mut answers = Vec::new();
            for wanted in &calls {
                answers.push(call(&client, wanted).await?);
            }
            json!({"statusCode": 200, "body": Value::from(answers).to_string()})
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

/// Calls an emulator with the credentials of this sandbox and returns the response, or the I/O error as `broken`.
async fn call(client: &reqwest::Client, call: &Value) -> Result<Value, Error> {
    if let Some(bytes) = call["send"].as_str() {
        return exchange(&STANDARD.decode(bytes)?).await;
    }
    let (url, content_type) = match call["service"].as_str() {
        Some("kinesis") => (std::env::var("AWS_ENDPOINT_URL_KINESIS")?, "application/x-amz-json-1.1"),
        _ => (std::env::var("AWS_ENDPOINT_URL_DYNAMODB")?, "application/x-amz-json-1.0"),
    };
    let key = std::env::var("AWS_ACCESS_KEY_ID")?;
    let scope = format!("Credential={key}/20260101/us-east-1/any/aws4_request");
    let request = client.post(url).header("x-amz-target", call["target"].as_str().unwrap_or_default());
    let request = request.header("content-type", content_type).header("x-amz-date", "20260101T000000Z");
    let request = request.header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"));
    let response = match request.body(call["body"].to_string()).send().await {
        Ok(response) => response,
        Err(error) => return Ok(json!({"broken": io_error_of(&error)})),
    };
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().into()));
    let (status, headers) = (response.status().as_u16(), headers.collect::<serde_json::Map<_, _>>());
    Ok(json!({"status": status, "headers": headers, "body": response.json::<Value>().await?}))
}

/// Sends bytes to the broker, and returns the number of bytes that come first, or the I/O error as `broken`.
async fn exchange(bytes: &[u8]) -> Result<Value, Error> {
    let broker = std::env::var("BROKER")?;
    let mut received = [0; 4096];
    // A reset may arrive before the connection counts as open.
    let exchanged = async {
        let mut stream = tokio::net::TcpStream::connect(broker).await?;
        stream.write_all(bytes).await?;
        stream.read(&mut received).await
    };
    Ok(match exchanged.await {
        Ok(count) => json!({"received": count}),
        Err(error) => json!({"broken": format!("{:?}", error.kind())}),
    })
}

/// Returns the kind of the I/O error behind a request error.
fn io_error_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return format!("{:?}", error.kind());
        }
        cause = error.source();
    }
    error.to_string()
}

/// Handles a batch. Each record selects an action: `{"n": 1, "do": "ok"}`. Actions ending in `-once` run once per
/// record.
async fn batch(event: &Value) -> Result<Value, Error> {
    let of_stream = event["Records"].as_array().into_iter().flatten().map(record);
    let of_topic = event["records"].as_object().into_iter().flatten();
    let of_topic = of_topic.flat_map(|(partition, records)| of_partition(partition, records));
    let of_queue = event["rmqMessagesByQueue"].as_object().into_iter().flatten();
    let of_queue = of_queue.flat_map(|(_, messages)| messages.as_array().into_iter().flatten().map(message));
    let records: Vec<(Value, Value)> = of_stream.chain(of_topic).chain(of_queue).collect();
    let numbers: Vec<&Value> = records.iter().map(|(_, data)| &data["n"]).collect();
    let mut journal = std::fs::OpenOptions::new().create(true).append(true).open(path("JOURNAL"))?;
    write_line(&mut journal, &json!(numbers).to_string())?;
    let mut failures = Vec::new();
    for (identifier, data) in &records {
        match data["do"].as_str().unwrap_or("ok") {
            action if action.ends_with("-once") && !is_first(data)? => {}
            "report-once" | "report-always" => failures.push(json!({"itemIdentifier": identifier})),
            "report-empty-once" => failures.push(json!({"itemIdentifier": ""})),
            "report-unknown-once" => failures.push(json!({"itemIdentifier": "7"})),
            "fail-once" | "fail-always" => return Err("failure requested by the record".into()),
            "crash-once" => std::process::exit(3),
            "wait" => wait_for_gate().await,
            _ => {}
        }
    }
    Ok(json!({"batchItemFailures": failures}))
}

/// Returns the sequence number and the content of a record.
fn record(record: &Value) -> (Value, Value) {
    if let Some(data) = record["kinesis"]["data"].as_str() {
        let data = STANDARD.decode(data).unwrap_or_default();
        return (record["kinesis"]["sequenceNumber"].clone(), serde_json::from_slice(&data).unwrap_or_default());
    }
    let image = &record["dynamodb"]["NewImage"];
    let number: Value = image["n"]["N"].as_str().and_then(|text| text.parse::<i64>().ok()).into();
    (record["dynamodb"]["SequenceNumber"].clone(), json!({"n": number, "do": image["do"]["S"]}))
}

/// Returns identifier and content of a Kafka partition's records. An event without content is journaled by its offset.
fn of_partition(partition: &str, records: &Value) -> Vec<(Value, Value)> {
    let record = |record: &Value| {
        let value = STANDARD.decode(record["value"].as_str().unwrap_or_default()).unwrap_or_default();
        let data: Value = serde_json::from_slice(&value).unwrap_or_else(|_| json!({"n": record["offset"]}));
        (json!({"partition": partition, "offset": record["offset"]}), data)
    };
    records.as_array().into_iter().flatten().map(record).collect()
}

/// Returns the content of a RabbitMQ message. Messages have no identifier to report.
fn message(message: &Value) -> (Value, Value) {
    let data = STANDARD.decode(message["data"].as_str().unwrap_or_default()).unwrap_or_default();
    (Value::Null, serde_json::from_slice(&data).unwrap_or_default())
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
