//! The same functions behind HTTP APIs (`ApiFlavour=http`), with payload format 2.0 of events and responses.

use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Need, Paystream, eur, line, order_body, payment_body, skip_without};
use serde_json::json;

#[tokio::test]
async fn payments_and_orders_work_behind_http_apis() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    let paystream = Paystream::start_with_parameters(&[("ApiFlavour", "http")]).await;
    let formats: Vec<_> = paystream.environment().template().routes().iter().map(|route| json!(route.format)).collect();
    assert!(!formats.is_empty() && formats.iter().all(|format| *format == json!("2.0")), "{formats:?}");

    let body = payment_body("ord-1", &eur(1299), "tok_approve");
    let first = paystream.post_with_key("/payments", "key-1", &body).await;
    let location = first.headers["location"].to_str().unwrap().to_owned();
    let payment = first.expect(201);
    let again = paystream.post_with_key("/payments", "key-1", &body).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.expect(201), payment);
    paystream.payment_arrives("ord-1", &payment).await;

    let order = paystream.post("/orders", &order_body("ord-1", &[line("tea", 1, &eur(1299))])).await.expect(201);
    assert_eq!(order["status"], "accepted");
    let captured = paystream.request("POST", &format!("/{location}/capture"), &[], "").await.expect(200);
    paystream.payment_arrives("ord-1", &captured).await;
    assert_eq!(paystream.get("/payments?order_id=ord-1").await.expect(200)["payments"], json!([captured]));
    assert_eq!(paystream.get("/orders/ord-1").await.expect(200)["status"], "accepted");
}

#[tokio::test]
async fn an_http_api_returns_its_own_errors_and_the_problems_of_functions() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    let paystream = Paystream::start_with_parameters(&[("ApiFlavour", "http")]).await;
    paystream.get("/orders/ord-none").await.expect_problem(404, "order-not-found");
    let body = payment_body("ord-1", &eur(0), "tok_approve");
    paystream.post("/payments", &body).await.expect_problem(400, "invalid-request");
    // The harness checks this response against the document, too.
    paystream.inject(Fault::new(FaultTarget::function("PaymentApi"), Effect::error("Broken")));
    let failed = paystream.post("/payments", &body).await.expect(500);
    assert_eq!(failed, json!({"message": "Internal Server Error"}));
}
