//! Guarantee 1 gives Kinesis 400 ms while a caller waits. A TLS handshake of a small sandbox may take longer than that, so it
//! is made during init: every function has its connections before it asks for its first event.

mod aws;

use std::future::Future;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use paystream_measurements::{Idle, RuntimeApi};
use paystream_tests::function_binaries;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use aws::Aws;

/// How long anything may take to come about. Passing tests need a fraction of a second; the bound is for failing ones.
const UNTIL_MAX: Duration = Duration::from_mins(2);

/// A function that is starting, with stand-ins for all that it speaks to. It ends with the test.
struct Starting {
    dynamodb: Aws,
    kinesis: Aws,
    /// The API of Payments, which one function asks.
    payments: Aws,
    runtime_api: RuntimeApi,
    /// Its question for an event, once it has asked.
    idle: Option<Idle>,
    process: Child,
    _directory: TempDir,
}

/// How the services' certificate, which none of Amazon's roots has signed, is taken.
enum TrustStore {
    /// As one that the machine trusts.
    System,
    /// As it is by default.
    Default,
}

/// What no function needs to be told more.
const NOTHING: &[(&str, &str)] = &[];
/// What makes `order-api` ask Payments.
const ASKING: &[(&str, &str)] = &[("PAYMENT_LOOKUP", "remote")];

impl Starting {
    async fn of(function: &str, variables: &[(&str, &str)], trust: &TrustStore) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let certificate = directory.path().join("certificate.pem");
        let [dynamodb, kinesis, payments] = Aws::start_three(&certificate).await;
        let runtime_api = RuntimeApi::start(Vec::new()).await.unwrap();
        let binaries = function_binaries();
        let mut command = command(binaries.get(function).unwrap(), &runtime_api);
        command.env("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.url()).env("AWS_ENDPOINT_URL_KINESIS", kinesis.url());
        command.env("PAYMENTS_URL", payments.url()).envs(variables.iter().copied());
        if matches!(trust, TrustStore::System) {
            command.env("TRUST_STORE", "system").env("SSL_CERT_FILE", &certificate);
        }
        let process = command.spawn().unwrap();
        Self { dynamodb, kinesis, payments, runtime_api, idle: None, process, _directory: directory }
    }

    /// Once it has asked for an event.
    async fn asked(&mut self) {
        self.idle = while_it_runs(&mut self.process, "it asks for an event", self.runtime_api.idle()).await;
    }

    /// What it answers to this event.
    async fn invoke(&mut self, event: &Value) -> Value {
        self.idle.take().unwrap().give(event.to_string());
        // It asks for the next event once it has answered.
        self.asked().await;
        let answer = self.runtime_api.answers().pop().unwrap().unwrap();
        serde_json::from_slice(&answer).unwrap()
    }

    /// Connections begun, to DynamoDB, to Kinesis and to Payments.
    fn connections(&self) -> [usize; 3] {
        [&self.dynamodb, &self.kinesis, &self.payments].map(Aws::connections)
    }

    /// Waits until so many came to the end of their handshake, which the last word of is the function's.
    async fn established(&mut self, [dynamodb, kinesis, payments]: [usize; 3]) {
        let all = async {
            tokio::join!(
                self.dynamodb.established(dynamodb),
                self.kinesis.established(kinesis),
                self.payments.established(payments)
            )
        };
        while_it_runs(&mut self.process, "it is connected", all).await;
    }
}

/// What comes of waiting. It is in vain where the process ends, or where it takes too long.
async fn while_it_runs<T>(process: &mut Child, what: &str, waiting: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        came = timeout(UNTIL_MAX, waiting) => came.unwrap_or_else(|_| panic!("waited in vain until {what}")),
        ended = process.wait() => panic!("the function ended before {what}: {}", ended.unwrap()),
    }
}

fn command(binary: &Path, runtime_api: &RuntimeApi) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().stdout(Stdio::null()).kill_on_drop(true);
    command.envs([
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.address()),
        ("AWS_LAMBDA_FUNCTION_NAME", "function"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("PAYMENTS_TABLE", "payments"),
        ("PAYMENT_STREAM", "stream"),
        ("ORDERS_TABLE", "orders"),
        ("QUARANTINE_TABLE", "quarantine"),
    ]);
    command
}

#[tokio::test]
async fn every_function_is_connected_before_it_asks_for_its_first_event() {
    for (function, variables, connections) in [
        ("payment-api", NOTHING, [1, 1, 0]),
        ("payment-relay", NOTHING, [1, 1, 0]),
        ("order-projector", NOTHING, [1, 0, 0]),
        ("order-api", NOTHING, [1, 0, 0]),
        ("order-api", ASKING, [1, 0, 1]),
    ] {
        let mut sandbox = Starting::of(function, variables, &TrustStore::System).await;
        sandbox.asked().await;
        assert_eq!(sandbox.connections(), connections, "{function} {variables:?}");
        sandbox.established(connections).await;
    }
}

#[tokio::test]
async fn the_first_payment_of_a_sandbox_makes_no_connection() {
    let mut payment_api = Starting::of("payment-api", NOTHING, &TrustStore::System).await;
    payment_api.asked().await;
    let answer = payment_api.invoke(&payment()).await;
    assert_eq!(answer["statusCode"], 201, "{answer}");
    assert_eq!(payment_api.connections(), [1, 1, 0]);
    // It has spoken to both.
    assert_eq!((payment_api.dynamodb.calls(), payment_api.kinesis.calls()), (3, 1));
}

#[tokio::test]
async fn a_server_that_amazon_does_not_vouch_for_is_not_spoken_to_and_the_function_begins_all_the_same() {
    let mut payment_api = Starting::of("payment-api", NOTHING, &TrustStore::Default).await;
    payment_api.asked().await;
    let answer = payment_api.invoke(&payment()).await;
    assert_eq!(answer["statusCode"], 503, "{answer}");
    assert_eq!((payment_api.dynamodb.calls(), payment_api.kinesis.calls()), (0, 0));
}

/// `POST /payments`, as a REST API passes it on.
fn payment() -> Value {
    let body =
        json!({"order_id": "ord-1", "amount": {"minor": 1_299, "currency": "EUR"}, "method": {"token": "tok_visa"}});
    json!({
        "resource": "/payments", "path": "/payments", "httpMethod": "POST", "isBase64Encoded": false,
        "headers": {"content-type": "application/json", "idempotency-key": "key-1"},
        "multiValueHeaders": {"content-type": ["application/json"], "idempotency-key": ["key-1"]},
        "queryStringParameters": null, "multiValueQueryStringParameters": null, "pathParameters": null,
        "stageVariables": null, "requestContext": {"identity": {}, "stage": "dev", "httpMethod": "POST", "path": "/dev/payments"},
        "body": body.to_string()
    })
}
