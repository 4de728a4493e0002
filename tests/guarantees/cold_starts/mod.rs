//! Connections during cold start. Guarantee 1 gives Kinesis 400 ms while a caller waits, and a TLS handshake in a small
//! sandbox may take longer. Every function therefore connects during init, before it polls for its first event.

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

/// Bound on every wait. Passing tests need a fraction of a second.
const UNTIL_MAX: Duration = Duration::from_mins(2);

/// A function process with stand-ins for every service it calls. It is killed when dropped.
struct Starting {
    dynamodb: Aws,
    kinesis: Aws,
    /// The Payments API, which one function calls.
    payments: Aws,
    runtime_api: RuntimeApi,
    /// Its pending poll for an event.
    idle: Option<Idle>,
    process: Child,
    _directory: TempDir,
}

/// Root certificates that the function trusts. The stand-ins' certificate is self-signed.
enum TrustStore {
    /// The system's, which include that certificate.
    System,
    /// The function's default: Amazon's roots only.
    Default,
}

const NO_VARIABLES: &[(&str, &str)] = &[];
const STREAM_MODE: &[(&str, &str)] = &[("PUBLISH_MODE", "stream"), ("RECORD_AGE_MAX_SECONDS", "43200")];
/// Makes `order-api` call Payments (synchronous mode).
const REMOTE_LOOKUP: &[(&str, &str)] = &[("PAYMENT_LOOKUP", "remote")];

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

    /// Waits until it polls for an event.
    async fn polls(&mut self) {
        self.idle = while_it_runs(&mut self.process, "it polls for an event", self.runtime_api.idle()).await;
    }

    /// Invokes the function, and returns its response.
    async fn invoke(&mut self, event: &Value) -> Value {
        self.idle.take().unwrap().give(event.to_string());
        // It polls for the next event after it has responded.
        self.polls().await;
        let answer = self.runtime_api.answers().pop().unwrap().unwrap();
        serde_json::from_slice(&answer).unwrap()
    }

    /// Connections accepted by DynamoDB, Kinesis and Payments.
    fn connections(&self) -> [usize; 3] {
        [&self.dynamodb, &self.kinesis, &self.payments].map(Aws::connections)
    }

    /// Waits until this many handshakes have completed.
    async fn established(&mut self, [dynamodb, kinesis, payments]: [usize; 3]) {
        let all = async {
            tokio::join!(
                self.dynamodb.established(dynamodb),
                self.kinesis.established(kinesis),
                self.payments.established(payments)
            )
        };
        while_it_runs(&mut self.process, "its handshakes are complete", all).await;
    }
}

/// Waits for a future. Panics if the process ends first, or after [`UNTIL_MAX`].
async fn while_it_runs<T>(process: &mut Child, what: &str, waiting: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        done = timeout(UNTIL_MAX, waiting) => done.unwrap_or_else(|_| panic!("timed out waiting until {what}")),
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
        ("PROCESSOR_SIMULATOR_TABLE", "simulator"),
        ("PAYMENT_STREAM", "stream"),
        ("ORDERS_TABLE", "orders"),
        ("QUARANTINE_TABLE", "quarantine"),
    ]);
    command
}

#[tokio::test]
async fn every_function_connects_before_it_polls_for_its_first_event() {
    for (function, variables, connections) in [
        ("payment-api", NO_VARIABLES, [1, 1, 0]),
        ("payment-relay", NO_VARIABLES, [1, 1, 0]),
        ("payment-api", STREAM_MODE, [1, 0, 0]),
        ("payment-relay", STREAM_MODE, [0, 1, 0]),
        ("payment-recovery", NO_VARIABLES, [1, 0, 0]),
        ("order-projector", NO_VARIABLES, [1, 0, 0]),
        ("order-api", NO_VARIABLES, [1, 0, 0]),
        ("order-api", REMOTE_LOOKUP, [1, 0, 1]),
    ] {
        let mut sandbox = Starting::of(function, variables, &TrustStore::System).await;
        sandbox.polls().await;
        assert_eq!(sandbox.connections(), connections, "{function} {variables:?}");
        sandbox.established(connections).await;
    }
}

#[tokio::test]
async fn the_first_payment_of_a_sandbox_opens_no_connection() {
    let mut payment_api = Starting::of("payment-api", NO_VARIABLES, &TrustStore::System).await;
    payment_api.polls().await;
    let answer = payment_api.invoke(&payment()).await;
    assert_eq!(answer["statusCode"], 201, "{answer}");
    assert_eq!(payment_api.connections(), [1, 1, 0]);
    // It called both services. One call to DynamoDB is the simulated processor's.
    assert_eq!((payment_api.dynamodb.calls(), payment_api.kinesis.calls()), (4, 1));
}

#[tokio::test]
async fn a_server_without_a_certificate_of_amazon_gets_no_call_and_the_function_still_starts() {
    let mut payment_api = Starting::of("payment-api", NO_VARIABLES, &TrustStore::Default).await;
    payment_api.polls().await;
    let answer = payment_api.invoke(&payment()).await;
    assert_eq!(answer["statusCode"], 503, "{answer}");
    assert_eq!((payment_api.dynamodb.calls(), payment_api.kinesis.calls()), (0, 0));
}

/// Event of a REST API for `POST /payments`.
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
