//! Log of the function, run as Lambda runs it: who made and changed payments, and who tried.

use std::process::Stdio;
use std::time::Duration;

use axum::body::Bytes;
use paystream_local::{Emulators, Template};
use paystream_measurements::RuntimeApi;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::events::{By, FLAVOURS, Flavour, Sent, event};

/// Bound on the run of the function. It takes a fraction of a second.
const RUN_MAX: Duration = Duration::from_mins(2);
const JSON: (&str, &str) = ("content-type", "application/json");

/// Runs the function for these events, and returns its responses and its log lines.
async fn run(events: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    let emulators = Emulators::start(Template::load(template.as_ref(), &[].into()).unwrap()).await.unwrap();
    let events: Vec<_> = events.iter().map(|event| Bytes::from(event.to_string())).collect();
    let mut runtime_api = RuntimeApi::start(events).await.unwrap();
    let mut function = Command::new(env!("CARGO_BIN_EXE_payment-api"))
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.address()),
            ("AWS_LAMBDA_FUNCTION_NAME", "payment-api"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "PaymentApi"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL_DYNAMODB", emulators.dynamodb_url()),
            ("AWS_ENDPOINT_URL_KINESIS", emulators.kinesis_url()),
            ("PAYMENTS_TABLE", "PaymentsTable"),
            ("PROCESSOR_SIMULATOR_TABLE", "ProcessorSimulatorTable"),
            ("PAYMENT_STREAM", "PaymentStream"),
        ])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    tokio::select! {
        idle = timeout(RUN_MAX, runtime_api.idle()) => drop(idle.unwrap()),
        ended = function.wait() => panic!("the function ended before the last event: {ended:?}"),
    }
    let answers = runtime_api.answers();
    let answers = answers.into_iter().map(|answer| serde_json::from_slice(&answer.unwrap()).unwrap()).collect();
    function.kill().await.unwrap();
    let mut log = String::new();
    function.stdout.take().unwrap().read_to_string(&mut log).await.unwrap();
    (answers, log.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn pay(flavour: Flavour, by: By) -> Value {
    let body =
        json!({"order_id": "ord-1", "amount": {"minor": 1299, "currency": "EUR"}, "method": {"token": "tok_approve"}});
    let headers = [JSON, ("idempotency-key", "secret-key"), ("authorization", "Bearer secret.token")];
    event(flavour, by, &Sent { method: "POST", target: "/payments", headers: &headers, body: Some(body) })
}

#[tokio::test]
async fn the_log_shows_who_paid_refunded_and_tried_to() {
    const MAKER: &str = "client-7@clients";
    const ROLE: &str = "arn:aws:sts::123456789012:assumed-role/support";
    let maker = By::Token(MAKER, "paystream/payments.pay");
    let other = By::Token("client-8@clients", "paystream/payments.change");
    let support = By::Principal("arn:aws:sts::123456789012:assumed-role/support/anna@example.com");
    for flavour in FLAVOURS {
        let (answers, _) = run(vec![pay(flavour, maker)]).await;
        let paid: Value = serde_json::from_str(answers[0]["body"].as_str().unwrap()).unwrap();
        let id = paid["payment_id"].as_str().unwrap().to_owned();
        let change = |by, step: &str, key: &str| {
            let (target, headers) = (format!("/payments/{id}/{step}"), [("idempotency-key", key)]);
            event(flavour, by, &Sent { method: "POST", target: &target, headers: &headers, body: None })
        };
        let (answers, log) = run(vec![
            pay(flavour, maker),
            change(other, "capture", "key-1"),
            change(support, "capture", "key-2"),
            change(support, "refund", "key-3"),
            change(support, "refund", "key-3"),
            change(support, "refund", "key-4"),
            change(support, "refund", "not a key"),
            pay(flavour, By::Anybody),
        ])
        .await;
        let statuses: Vec<_> = answers.iter().map(|answer| answer["statusCode"].as_u64().unwrap()).collect();
        assert_eq!(statuses, [201, 404, 200, 200, 200, 409, 400, 201]);
        let fields = ["action", "caller", "payment_id", "version", "replayed", "http_status", "problem"];
        let lines = log.iter().filter(|line| line.get("action").is_some());
        let lines: Vec<_> = lines.map(|line| fields.map(|field| line[field].clone())).collect();
        let done = |action, caller: Value, version, replayed| {
            [json!(action), caller, json!(id), json!(version), json!(replayed), json!(null), json!(null)]
        };
        let refused = |action, caller, status, problem| {
            [json!(action), json!(caller), json!(id), json!(null), json!(null), json!(status), json!(problem)]
        };
        let mut anonymous = done("pay", json!(null), 1, false);
        anonymous[2] = lines.last().unwrap()[2].clone();
        assert_ne!(anonymous[2], json!(id));
        let expected = [
            done("pay", json!(MAKER), 1, false),
            refused("capture", "client-8@clients", 404, "payment-not-found"),
            done("capture", json!(ROLE), 2, false),
            done("refund", json!(ROLE), 3, false),
            done("refund", json!(ROLE), 3, true),
            refused("refund", ROLE, 409, "illegal-transition"),
            refused("refund", ROLE, 400, "invalid-request"),
            anonymous,
        ];
        assert_eq!(lines, expected, "{flavour:?}");
        let denied = log.iter().filter(|line| line["level"] == "WARN" && line["caller"] == "client-8@clients");
        assert_eq!(denied.count(), 1, "the log, unlike the response, tells that the payment exists");
        let log = format!("{log:?}");
        for secret in ["secret", "key-1", "not a key", "anna@example.com", "tok_approve"] {
            assert!(!log.contains(secret), "the log contains {secret:?}: {log}");
        }
    }
}
