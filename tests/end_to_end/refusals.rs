//! Rejected requests: a problem that names the cause, and no change.

use paystream_tests::{Need, Paystream, eur, line, order_body, payment_body, skip_without};
use serde_json::{Value, json};

#[tokio::test]
async fn unknown_payments_and_orders_are_not_found() {
    let paystream = Paystream::of_target().await;
    paystream.get("/payments/pay_none").await.expect_problem(404, "payment-not-found");
    paystream.get("/orders/ord-none").await.expect_problem(404, "order-not-found");
    assert_eq!(paystream.get("/payments?order_id=ord-none").await.expect(200), json!({"payments": []}));
    let copies = paystream.get("/orders/ord-none/payments").await.expect(200);
    assert_eq!(copies["payments"], json!([]));
}

#[tokio::test]
async fn invalid_ids_are_rejected() {
    let paystream = Paystream::of_target().await;
    let long = format!("/orders/{}", "x".repeat(65));
    for path in ["/payments/42", "/payments/pay_%00", "/payments?order_id=", "/orders/a%20b", long.as_str()] {
        paystream.get(path).await.expect_problem(400, "invalid-request");
    }
}

#[tokio::test]
async fn a_path_or_method_without_a_route_is_a_problem() {
    let paystream = Paystream::of_target().await;
    for path in ["/", "/refunds", "/orders/ord-1/lines"] {
        paystream.get(path).await.expect_problem(404, "no-such-route");
    }
    let answer = paystream.get("/payments/pay_1/refund").await;
    assert_eq!(answer.headers["allow"], "POST");
    answer.expect_problem(405, "method-not-allowed");
}

#[tokio::test]
async fn bodies_that_are_not_json_are_rejected() {
    let paystream = Paystream::of_target().await;
    for body in ["", "{", "tea", "{\"order_id\": \"ord-1\""] {
        paystream.post_text("/payments", body).await.expect_problem(400, "malformed-json");
        paystream.post_text("/orders", body).await.expect_problem(400, "malformed-json");
    }
}

#[tokio::test]
async fn bodies_over_the_limit_are_rejected() {
    let paystream = Paystream::of_target().await;
    paystream.post_text("/payments", &" ".repeat(16 * 1024 + 1)).await.expect_problem(413, "body-too-large");
    paystream.post_text("/orders", &" ".repeat(64 * 1024 + 1)).await.expect_problem(413, "body-too-large");
}

#[tokio::test]
async fn api_gateway_rejects_bodies_over_its_own_limit() {
    if skip_without(&[Need::GatewayLimit]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let beyond = paystream.post_text("/orders", &" ".repeat(10 * 1024 * 1024 + 1)).await;
    assert_eq!(beyond.expect(413), json!({"message": "Request Too Long"}));
}

#[tokio::test]
async fn a_payment_without_an_idempotency_key_is_rejected() {
    let paystream = Paystream::of_target().await;
    let body = payment_body("ord-1", &eur(1), "tok_approve").to_string();
    paystream.post_without_key("/payments", &body).await.expect_problem(400, "idempotency-key-missing");
}

/// JSON pointer of the first error in a problem.
fn pointer(problem: &Value) -> &str {
    problem["errors"][0]["pointer"].as_str().unwrap()
}

#[tokio::test]
async fn invalid_payments_are_rejected_with_a_pointer_and_not_stored() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let amount = |minor: Value| json!({"minor": minor, "currency": "EUR"});
    let cases = [
        (payment_body("a b", &eur(1), "tok_approve"), "/order_id"),
        (payment_body(&"x".repeat(65), &eur(1), "tok_approve"), "/order_id"),
        (payment_body(order_id, &eur(0), "tok_approve"), "/amount/minor"),
        (payment_body(order_id, &eur(-1), "tok_approve"), "/amount/minor"),
        (payment_body(order_id, &amount(json!(0.5)), "tok_approve"), "/amount/minor"),
        (payment_body(order_id, &amount(json!("1")), "tok_approve"), "/amount/minor"),
        (payment_body(order_id, &amount(json!(9_223_372_036_854_775_808_u64)), "tok_approve"), "/amount/minor"),
        (payment_body(order_id, &json!({"minor": 1, "currency": "XYZ"}), "tok_approve"), "/amount/currency"),
        (payment_body(order_id, &eur(1), "card"), "/method/token"),
        (json!({"order_id": order_id, "amount": eur(1), "method": {"token": "tok_a"}, "tip": 1}), "/tip"),
    ];
    for (body, expected) in cases {
        let problem = paystream.post("/payments", &body).await.expect_problem(400, "invalid-request");
        assert_eq!(pointer(&problem), expected, "{body}");
    }
    assert_eq!(paystream.get(&format!("/payments?order_id={order_id}")).await.expect(200), json!({"payments": []}));
}

#[tokio::test]
async fn invalid_orders_are_rejected_with_a_pointer_and_not_stored() {
    let paystream = Paystream::of_target().await;
    let order_id = &paystream.name("ord");
    let usd = json!({"minor": 1, "currency": "USD"});
    let max = i64::MAX;
    let cases = [
        (order_body("a/b", &[line("tea", 1, &eur(1))]), "/order_id"),
        (order_body(order_id, &[]), "/lines"),
        (order_body(order_id, &[line("tea", 0, &eur(1))]), "/lines/0/quantity"),
        (order_body(order_id, &[line("tea", 1, &eur(1)), line("", 1, &eur(1))]), "/lines/1/sku"),
        (order_body(order_id, &[line("tea", 1, &eur(-5))]), "/lines/0/unit_price/minor"),
        (order_body(order_id, &[line("tea", 2, &eur(max))]), "/lines"),
        (order_body(order_id, &[line("tea", 1, &eur(max)), line("milk", 1, &eur(1))]), "/lines"),
        (order_body(order_id, &[line("tea", 1, &eur(1)), line("milk", 1, &usd)]), "/lines"),
    ];
    for (body, expected) in cases {
        let problem = paystream.post("/orders", &body).await.expect_problem(400, "invalid-request");
        assert!(pointer(&problem).starts_with(expected), "{body}: {problem}");
    }
    paystream.get(&format!("/orders/{order_id}")).await.expect_problem(404, "order-not-found");
}
