//! Values that orders and payments accept and refuse, in both API flavours: gifts, currencies, numbers that are not card
//! numbers.

use aws_sdk_dynamodb::types::AttributeValue;
use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Need, Paystream, eur, line, order_body, payment_body, skip_without};
use serde_json::{Value, json};

fn amount(currency: &str) -> Value {
    json!({"minor": 500, "currency": currency})
}

#[tokio::test]
async fn values_are_accepted_and_refused_alike_in_both_flavours() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    for (_, paystream) in Paystream::both_flavours().await {
        an_order_of_gifts_is_accepted_without_a_payment(&paystream).await;
        a_currency_that_is_not_in_use_is_refused(&paystream).await;
        numbers_that_are_not_card_numbers_pass(&paystream).await;
        an_order_shows_what_covers_it_now(&paystream).await;
    }
}

async fn an_order_of_gifts_is_accepted_without_a_payment(paystream: &Paystream) {
    for (path, order_id) in [("/orders", "ord-gift"), ("/sync/orders", "ord-sync-gift")] {
        let placed = paystream.post(path, &order_body(order_id, &[line("gift", 2, &eur(0))])).await.expect(201);
        assert_eq!((&placed["status"], &placed["total"]), (&json!("accepted"), &eur(0)));
        assert_eq!(paystream.get(&format!("/orders/{order_id}")).await.expect(200), placed);
    }
    let negative = paystream.post("/orders", &order_body("ord-negative", &[line("gift", 1, &eur(-1))])).await;
    let problem = negative.expect_problem(400, "invalid-request");
    assert_eq!(problem["errors"][0]["pointer"], "/lines/0/unit_price/minor");
}

async fn a_currency_that_is_not_in_use_is_refused(paystream: &Paystream) {
    for code in ["XXX", "XTS", "BGN"] {
        let payment = payment_body("ord-old", &amount(code), "tok_approve");
        let order = order_body("ord-old", &[line("tea", 1, &amount(code))]);
        for (path, body, place) in [
            ("/payments", &payment, "/amount/currency"),
            ("/orders", &order, "/lines/0/unit_price/currency"),
            ("/sync/orders", &order, "/lines/0/unit_price/currency"),
        ] {
            let problem = paystream.post(path, body).await.expect_problem(400, "invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], place, "{code}");
        }
    }
    assert_eq!(paystream.get("/payments?order_id=ord-old").await.expect(200)["payments"], json!([]));
    paystream.get("/orders/ord-old").await.expect_problem(404, "order-not-found");
}

async fn numbers_that_are_not_card_numbers_pass(paystream: &Paystream) {
    // An EAN-13, an old Visa number, an IMEI and a time in milliseconds. Each passes the Luhn check.
    for number in ["4006381330060", "4222222222222", "490154203237518", "1763841600002"] {
        let order = order_body(number, &[line(number, 1, &eur(500))]);
        paystream.post("/orders", &order).await.expect(202);
        let payment = payment_body(number, &eur(500), "tok_approve");
        paystream.post_with_key("/payments", number, &payment).await.expect(201);
        assert_eq!(paystream.order_becomes(number, "accepted").await["lines"][0]["sku"], number);
    }
}

async fn an_order_shows_what_covers_it_now(paystream: &Paystream) {
    let first = paystream.pay("ord-view", &eur(1299), "tok_approve").await;
    paystream.payment_arrives("ord-view", &first).await;
    let order = order_body("ord-view", &[line("tea", 1, &eur(1299))]);
    paystream.post("/orders", &order).await.expect(201);
    let second = paystream.pay("ord-view", &eur(1500), "tok_approve").await;
    paystream.payment_arrives("ord-view", &second).await;
    let void = format!("/payments/{}/void", first["payment_id"].as_str().unwrap());
    let voided = paystream.request("POST", &void, &[], "").await.expect(200);
    paystream.payment_arrives("ord-view", &voided).await;
    let covering = json!([{"payment_id": second["payment_id"], "version": 1, "status": "authorized", "minor": 1500}]);
    let expected = json!({"covered": eur(1299), "overpaid": eur(201), "covered_by": covering, "payments": 1,
        "is_complete": true});
    let shown = paystream.get("/orders/ord-view").await.expect(200);
    assert_eq!((&shown["status"], &shown["coverage"]), (&json!("accepted"), &expected));
    assert_eq!(shown["payment"]["based_on"][0]["payment_id"], first["payment_id"]);
    for path in ["/orders", "/sync/orders"] {
        assert_eq!(paystream.post(path, &order).await.expect(200)["coverage"], expected, "{path}");
    }
}

#[tokio::test]
async fn payments_stay_refundable_and_retries_are_timed_alike_in_both_flavours() {
    if skip_without(&[Need::Parameters, Need::Faults]) {
        return;
    }
    for (_, paystream) in Paystream::both_flavours().await {
        the_remainder_after_100_refunds_is_refunded(&paystream).await;
        a_payment_in_a_withdrawn_currency_is_read_and_refunded(&paystream).await;
        a_retry_is_asked_for_when_it_can_succeed(&paystream).await;
    }
}

async fn the_remainder_after_100_refunds_is_refunded(paystream: &Paystream) {
    let payment = paystream.pay("ord-refunds", &eur(1_000), "tok_approve").await;
    let path = |change| format!("/payments/{}/{change}", payment["payment_id"].as_str().unwrap());
    paystream.post_with_key(&path("capture"), "capture", &json!({})).await.expect(200);
    let part = json!({"amount": eur(1)});
    for n in 0..100 {
        paystream.post_with_key(&path("refund"), &format!("refund-{n}"), &part).await.expect(200);
    }
    let refused = paystream.post_with_key(&path("refund"), "one-more", &part).await;
    refused.expect_problem(409, "too-many-refunds");
    let rest = paystream.post_with_key(&path("refund"), "rest", &json!({"amount": eur(900)})).await.expect(200);
    assert_eq!((&rest["status"], &rest["refunded_minor"]), (&json!("refunded"), &json!(1_000)));
}

async fn a_payment_in_a_withdrawn_currency_is_read_and_refunded(paystream: &Paystream) {
    // The kuna was withdrawn in 2023.
    let kuna = amount("HRK");
    paystream
        .post("/payments", &payment_body("ord-kuna", &kuna, "tok_approve"))
        .await
        .expect_problem(400, "invalid-request");
    let made = paystream.pay("ord-kuna", &eur(500), "tok_approve").await;
    let mut item = paystream.payment_item(&made).await;
    let minor = ("minor".to_owned(), AttributeValue::N("500".to_owned()));
    let currency = ("currency".to_owned(), AttributeValue::S("HRK".to_owned()));
    item.insert("amount".to_owned(), AttributeValue::M([minor, currency].into()));
    paystream.put_payment_items([item]).await;
    let path = format!("/payments/{}", made["payment_id"].as_str().unwrap());
    assert_eq!(paystream.get(&path).await.expect(200)["amount"], kuna);
    paystream.post_with_key(&format!("{path}/capture"), "capture", &json!({})).await.expect(200);
    let refund = json!({"amount": kuna});
    let refunded = paystream.post_with_key(&format!("{path}/refund"), "refund", &refund).await.expect(200);
    assert_eq!(refunded["status"], "refunded");
}

/// The payment is begun and charged, and neither its decision nor the release of its lease can be stored.
async fn a_retry_is_asked_for_when_it_can_succeed(paystream: &Paystream) {
    let down = Fault::new(FaultTarget::DynamoDb, Effect::error("AccessDeniedException")).operation("PutItem");
    paystream.inject(down.from("PaymentApi").skip(2));
    let body = payment_body("ord-retry", &eur(500), "tok_approve");
    let failed = paystream.post_once("/payments", "retry", &body).await;
    let retry_after_s: u64 = failed.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((2..=10).contains(&retry_after_s), "the rest of the lease: {retry_after_s}");
    failed.expect_problem(503, "unavailable");
    paystream.heal();
    let early = paystream.post_once("/payments", "retry", &body).await;
    assert_eq!(early.headers["retry-after"], "1", "it may finish at any moment");
    early.expect_problem(409, "payment-in-progress");
    paystream.insist("/payments", "retry", &body).await.expect(201);
}
