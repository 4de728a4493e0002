//! A payment processor over HTTP behind the real functions: the stub.

use paystream_local::Options;
use paystream_processor_stub::{API_KEY, Ledger, Misbehaviour, Stub};
use paystream_tests::{Need, Paystream, eur, payment_body, skip_without, workspace};
use serde_json::json;

const LISTEN: &str = "127.0.0.1:0";

async fn start(parameters: &[(&str, &str)]) -> (Stub, Paystream) {
    let stub = Stub::start(LISTEN.parse().unwrap(), API_KEY, Ledger::default()).await.unwrap();
    let (template, processor) = (workspace().join("template.yaml"), Some(stub.url().parse().unwrap()));
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let options = Options { template, parameters, processor, ..Options::default() };
    (stub, Paystream::start_with_options(options).await)
}

/// Checks that every key was charged once, and that nothing was charged without a key.
fn check_charged_once(ledger: &Ledger, keys: usize) {
    let held: Vec<_> = ledger.log().iter().map(|entry| entry.key.as_deref().unwrap()).collect();
    assert_eq!(held.len(), keys, "{held:?}");
    assert!(held.iter().all(|key| ledger.holds(key) == 1), "{held:?}");
}

#[tokio::test]
async fn a_processor_over_http_decides_payments_in_prod() {
    if skip_without(&[Need::Parameters, Need::Log]) {
        return;
    }
    let (stub, paystream) = start(&[("Stage", "prod")]).await;
    let pay = async |order_id: &str, token: &str| {
        let body = payment_body(order_id, &eur(1_299), token);
        let first = paystream.post_with_key("/payments", order_id, &body).await.expect(201);
        assert_eq!(paystream.post_with_key("/payments", order_id, &body).await.expect(201), first);
        first
    };
    let approved = pay("ord-1", "tok_visa4711").await;
    assert_eq!(approved["status"], "authorized");
    let declined = pay("ord-2", "tok_decline_no_credit").await;
    let decline = json!({"code": "no_credit", "message": "Declined: no_credit."});
    assert_eq!((&declined["status"], &declined["decline"]), (&json!("declined"), &decline));
    paystream.payment_arrives("ord-1", &approved).await;
    let test_token = payment_body("ord-3", &eur(1_299), "tok_approve");
    paystream.post_with_key("/payments", "ord-3", &test_token).await.expect_problem(400, "invalid-request");
    let ledger = stub.ledger();
    assert_eq!(ledger.log().len(), 2, "a repeated request does not call the processor: {:?}", ledger.log());
    assert_eq!(ledger.held_minor(approved["payment_id"].as_str().unwrap()), 1_299);
    for secret in [API_KEY, "visa4711"] {
        let line = paystream.log_lines().into_iter().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is logged");
    }
    paystream.stop().await;
}

#[tokio::test]
async fn a_payment_waits_for_a_processor_that_is_down_or_fails_and_is_charged_once() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    let (stub, paystream) = start(&[]).await;
    let body = payment_body("ord-1", &eur(1_299), "tok_visa");
    // Approved, and both responses are lost.
    stub.misbehave([Misbehaviour::Reset { processed: true }, Misbehaviour::Status { status: 502, processed: true }]);
    paystream.post_once("/payments", "lost", &body).await.expect_problem(503, "processor-unavailable");
    let (address, ledger) = (stub.address(), stub.stop().await);
    check_charged_once(&ledger, 1);
    paystream.post_once("/payments", "down", &body).await.expect_problem(503, "processor-unavailable");
    let payments = paystream.get("/payments?order_id=ord-1").await.expect(200);
    let statuses: Vec<_> = payments["payments"].as_array().unwrap().iter().map(|payment| &payment["status"]).collect();
    assert_eq!(statuses, ["processing"; 2]);
    let stub = Stub::start(address, API_KEY, ledger).await.unwrap();
    for key in ["lost", "down"] {
        let payment = paystream.post_once("/payments", key, &body).await.expect(201);
        assert_eq!(payment["status"], "authorized", "{key}");
    }
    check_charged_once(&stub.ledger(), 2);
    paystream.stop().await;
}

/// Parameters with a recovery that does not let tests wait.
const RECOVERY: [(&str, &str); 4] = [
    ("PaymentLeaseMs", "200"),
    ("RelayWindowSeconds", "0"),
    ("RecoveryWindowSeconds", "0"),
    ("RecoveryDelaySeconds", "0"),
];

/// The first misbehaviours meet the authorization and its retry, further ones the calls of the recovery.
#[tokio::test]
async fn the_recovery_decides_as_the_record_of_the_processor_says() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    let (stub, paystream) = start(&RECOVERY).await;
    let lost = || Misbehaviour::Reset { processed: true };
    let unavailable = || Misbehaviour::Status { status: 503, processed: false };
    let html = || Misbehaviour::Body { body: "<html>".to_owned() };
    for (order_id, token, misbehaviours, expected, held) in [
        ("approved", "tok_visa", vec![lost(), lost()], json!(["authorized", null]), 1_299),
        ("declined", "tok_decline_fraud", vec![lost(), lost()], json!(["declined", "fraud"]), 0),
        ("pending", "tok_visa", vec![Misbehaviour::Pending], json!(["authorized", null]), 1_299),
        ("unknown", "tok_visa", vec![unavailable(), unavailable()], json!(["declined", "not_completed"]), 0),
        (
            "unavailable",
            "tok_visa",
            vec![
                unavailable(),
                unavailable(),
                html(),
                unavailable(),
                unavailable(),
                Misbehaviour::Duplicate,
                lost(),
                lost(),
            ],
            json!(["declined", "not_completed"]),
            0,
        ),
    ] {
        stub.misbehave(misbehaviours);
        let body = payment_body(order_id, &eur(1_299), token);
        paystream.post_once("/payments", order_id, &body).await.expect_problem(503, "processor-unavailable");
        let payment = Paystream::eventually(&format!("{order_id} is decided"), async || {
            let payments = paystream.get(&format!("/payments?order_id={order_id}")).await.expect(200);
            Some(payments["payments"][0].clone()).filter(|payment| payment["status"] != "processing")
        })
        .await;
        assert_eq!(json!([payment["status"], payment["decline"]["code"]]), expected, "{order_id}");
        let key = payment["payment_id"].as_str().unwrap();
        let ledger = stub.ledger();
        assert_eq!((ledger.held_minor(key), ledger.holds(key) <= 1), (held, true), "{order_id}: {:?}", ledger.log());
        paystream.payment_arrives(order_id, &payment).await;
    }
    paystream.stop().await;
}
