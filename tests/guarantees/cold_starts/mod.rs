//! Guarantee 1 gives Kinesis 400 ms while a caller waits. A TLS handshake of a small sandbox may take longer than that, so it
//! is made during init: every function has its connections before it asks for its first event.

mod aws;
mod runtime_api;

use std::path::Path;
use std::process::Stdio;

use paystream_tests::function_binaries;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use aws::Aws;
use runtime_api::RuntimeApi;

/// A function that is starting, with stand-ins for all that it speaks to. It ends with the test.
struct Starting {
    dynamodb: Aws,
    kinesis: Aws,
    runtime_api: RuntimeApi,
    _process: Child,
    _directory: TempDir,
}

/// How the services' certificate, which none of Amazon's roots has signed, is taken.
enum TrustStore {
    /// As one that the machine trusts.
    System,
    /// As it is by default.
    Default,
}

impl Starting {
    async fn of(function: &str, trust: &TrustStore) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let certificate = directory.path().join("certificate.pem");
        let (dynamodb, kinesis) = Aws::start_two(&certificate).await;
        let runtime_api = RuntimeApi::start().await;
        let binaries = function_binaries();
        let mut command = command(binaries.get(function).unwrap(), &runtime_api);
        command.env("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.url()).env("AWS_ENDPOINT_URL_KINESIS", kinesis.url());
        if matches!(trust, TrustStore::System) {
            command.env("TRUST_STORE", "system").env("SSL_CERT_FILE", &certificate);
        }
        let process = command.spawn().unwrap();
        Self { dynamodb, kinesis, runtime_api, _process: process, _directory: directory }
    }

    /// Connections begun, to DynamoDB and to Kinesis.
    fn connections(&self) -> (usize, usize) {
        (self.dynamodb.connections(), self.kinesis.connections())
    }

    /// Waits until so many came to the end of their handshake, which the last word of is the function's.
    async fn established(&self, (dynamodb, kinesis): (usize, usize)) {
        tokio::join!(self.dynamodb.established(dynamodb), self.kinesis.established(kinesis));
    }
}

fn command(binary: &Path, runtime_api: &RuntimeApi) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().stdout(Stdio::null()).kill_on_drop(true);
    command.envs([
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.address().as_str()),
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
    for (function, connections) in
        [("payment-api", (1, 1)), ("payment-relay", (1, 1)), ("order-projector", (1, 0)), ("order-api", (1, 0))]
    {
        let sandbox = Starting::of(function, &TrustStore::System).await;
        sandbox.runtime_api.asked().await;
        assert_eq!(sandbox.connections(), connections, "{function}");
        sandbox.established(connections).await;
    }
}

#[tokio::test]
async fn the_first_payment_of_a_sandbox_makes_no_connection() {
    let payment_api = Starting::of("payment-api", &TrustStore::System).await;
    payment_api.runtime_api.asked().await;
    let answer = payment_api.runtime_api.invoke(&payment()).await;
    assert_eq!(answer["statusCode"], 201, "{answer}");
    assert_eq!(payment_api.connections(), (1, 1));
    // It has spoken to both.
    assert_eq!((payment_api.dynamodb.calls(), payment_api.kinesis.calls()), (3, 1));
}

#[tokio::test]
async fn a_server_that_amazon_does_not_vouch_for_is_not_spoken_to_and_the_function_begins_all_the_same() {
    let payment_api = Starting::of("payment-api", &TrustStore::Default).await;
    payment_api.runtime_api.asked().await;
    let answer = payment_api.runtime_api.invoke(&payment()).await;
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
