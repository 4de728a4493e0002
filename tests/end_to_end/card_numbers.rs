//! Card numbers: rejected anywhere in a request, and absent from every response, log line and table.

use paystream_tests::{Answer, Need, Paystream, eur, line, order_body, payment_body, skip_without};
use serde_json::{Value, json};

const CARD: &str = "4000056655665556";
const GROUPED: &str = "4000 0566 5566 5556";
/// Substrings of either number in any encoding.
const TRACES: [&str; 6] = ["4000056655665556", "0566 5566", "0566-5566", "0566+5566", "0566%205566", "\\u0035\\u0035"];
const TABLES: [&str; 4] = ["PaymentsTable", "PaymentsQuarantineTable", "OrdersTable", "QuarantineTable"];

/// Starts a system that logs at level `trace`.
async fn start() -> Paystream {
    Paystream::start_with_parameters(&[("LogLevel", "trace")]).await
}

fn number() -> Value {
    CARD.parse::<u64>().unwrap().into()
}

fn escaped() -> String {
    CARD.replace('5', "\\u0035")
}

/// Checks that a response rejects a card number at this place and does not repeat it.
#[track_caller]
fn assert_refused(answer: Answer, place: &str) {
    let shown = format!("{answer:?}");
    let problem = answer.expect_problem(400, "card-number");
    assert_eq!(problem["errors"][0]["pointer"], place, "{problem}");
    assert_no_trace(&shown);
}

#[track_caller]
fn assert_no_trace(text: &str) {
    for trace in TRACES {
        assert!(!text.contains(trace), "{trace} is in {text}");
    }
}

/// Checks that the log and the tables hold no card number. They must hold `order_id`, or the check would read the wrong
/// ones.
async fn assert_nothing_is_kept(paystream: &Paystream, order_id: &str) {
    let log = paystream.log_lines().join("\n");
    assert!(log.contains(order_id), "the log does not contain {order_id}");
    assert_no_trace(&log);
    let mut tables = String::new();
    for table in TABLES {
        tables += &paystream.table_text(table).await;
    }
    assert!(tables.contains(order_id), "the tables do not contain {order_id}");
    assert_no_trace(&tables);
}

#[tokio::test]
async fn payments_rejects_card_numbers_anywhere_in_a_request() {
    payments_refuse(&Paystream::of_target().await).await;
}

#[tokio::test]
async fn orders_rejects_card_numbers_anywhere_in_a_request() {
    orders_refuse(&Paystream::of_target().await).await;
}

async fn payments_refuse(paystream: &Paystream) {
    let order_id = &paystream.name("ord");
    let good = |order_id: &str| payment_body(order_id, &eur(1), "tok_approve");
    let bodies = [
        (good(CARD), "/order_id"),
        (good(&format!("ord-{CARD}")), "/order_id"),
        (payment_body(order_id, &eur(1), CARD), "/method/token"),
        (payment_body(order_id, &eur(1), &format!("tok_{CARD}")), "/method/token"),
        (payment_body(order_id, &eur(1), GROUPED), "/method/token"),
        (payment_body(order_id, &json!({"minor": number(), "currency": "EUR"}), "tok_approve"), "/amount/minor"),
        (payment_body(order_id, &json!([number(), "EUR"]), "tok_approve"), "/amount/0"),
        (json!({"order_id": order_id, "amount": eur(1), "method": {"token": "tok_approve"}, "card": CARD}), "/card"),
        (
            json!({"order_id": order_id, "amount": eur(1), "method": {"card": {"number": GROUPED}}}),
            "/method/card/number",
        ),
        (json!({"order_id": order_id, "amount": eur(1), "method": {CARD: "tok_approve"}}), "/method"),
    ];
    for (body, place) in bodies {
        assert_refused(paystream.post("/payments", &body).await, place);
    }
    assert_refused(paystream.post_with_key("/payments", CARD, &good(order_id)).await, "idempotency-key");
    assert_refused(paystream.get(&format!("/payments/pay_{CARD}")).await, "path");
    assert_refused(paystream.get("/payments/4000%200566%205566%205556").await, "path");
    assert_refused(paystream.get(&format!("/payments?order_id={CARD}")).await, "query");
    assert_refused(paystream.get("/payments?order_id=ord-1&card=4000+0566+5566+5556").await, "query");
    let escaped = format!(r#"{{"order_id":"{}"}}"#, escaped());
    assert_refused(paystream.post_text("/payments", &escaped).await, "/order_id");
    let malformed = format!(r#"{{"order_id":"ord-1","method":{{"token":"{CARD}"#);
    assert_refused(paystream.post_text("/payments", &malformed).await, "body");
    let long = format!("{}{}", good(CARD), " ".repeat(16 * 1024));
    let answer = paystream.post_text("/payments", &long).await;
    assert_no_trace(&format!("{answer:?}"));
    answer.expect_problem(413, "body-too-large");
    let made = paystream.get(&format!("/payments?order_id={order_id}")).await.expect(200);
    assert_eq!(made, json!({"payments": []}));
}

#[tokio::test]
async fn payments_stores_and_logs_no_card_number() {
    if skip_without(&[Need::Parameters, Need::Log]) {
        return;
    }
    let paystream = start().await;
    payments_refuse(&paystream).await;
    // Card numbers in headers that are not part of the payment: it is made, and they are not kept.
    let trace = format!("00-0af7651916cd43dd8448eb211c80319c-{CARD}-01");
    let headers =
        [("content-type", "application/json"), ("idempotency-key", "key-fine"), ("traceparent", trace.as_str())];
    let headers = [&headers[..], &[("tracestate", CARD), ("x-note", CARD), ("user-agent", CARD)]].concat();
    let good = payment_body("ord-fine", &eur(1), "tok_approve");
    let made = paystream.request("POST", "/payments", &headers, &good.to_string()).await;
    assert_no_trace(&format!("{made:?}"));
    paystream.payment_arrives("ord-fine", &made.expect(201)).await;
    assert_nothing_is_kept(&paystream, "ord-fine").await;
}

async fn orders_refuse(paystream: &Paystream) {
    let order_id = &paystream.name("ord");
    let tea = || line("tea", 1, &eur(1));
    let customer = json!({"order_id": order_id, "customer_id": GROUPED, "lines": [tea()]});
    let bodies = [
        (order_body(CARD, &[tea()]), "/order_id"),
        (order_body(&format!("ord-{CARD}"), &[tea()]), "/order_id"),
        (customer, "/customer_id"),
        (order_body(order_id, &[tea(), line(CARD, 1, &eur(1))]), "/lines/1/sku"),
        (
            order_body(order_id, &[line("tea", 1, &json!({"minor": number(), "currency": "EUR"}))]),
            "/lines/0/unit_price/minor",
        ),
        (json!({"order_id": order_id, "customer_id": "c", "lines": [], "pay": {"with": [GROUPED]}}), "/pay/with/0"),
    ];
    for (body, place) in bodies {
        assert_refused(paystream.post("/orders", &body).await, place);
    }
    assert_refused(paystream.get(&format!("/orders/{CARD}")).await, "path");
    assert_refused(paystream.get(&format!("/orders/ord-{CARD}/payments")).await, "path");
    assert_refused(paystream.get(&format!("/orders/ord-1?card={CARD}")).await, "query");
    let malformed = format!(r#"{{"order_id":"{CARD}""#);
    assert_refused(paystream.post_text("/orders", &malformed).await, "/order_id");
    let long = format!("{}{}", order_body(CARD, &[tea()]), " ".repeat(64 * 1024));
    let answer = paystream.post_text("/orders", &long).await;
    assert_no_trace(&format!("{answer:?}"));
    answer.expect_problem(413, "body-too-large");
    paystream.get(&format!("/orders/{order_id}")).await.expect_problem(404, "order-not-found");
}

#[tokio::test]
async fn orders_stores_and_logs_no_card_number() {
    if skip_without(&[Need::Parameters, Need::Log]) {
        return;
    }
    let paystream = start().await;
    orders_refuse(&paystream).await;
    let headers = [("content-type", "application/json"), ("traceparent", CARD), ("x-note", CARD), ("user-agent", CARD)];
    let placed = order_body("ord-fine", &[line("tea", 1, &eur(1))]).to_string();
    paystream.request("POST", "/orders", &headers, &placed).await.expect(202);
    let payment = paystream.pay("ord-fine", &eur(1), "tok_approve").await;
    paystream.payment_arrives("ord-fine", &payment).await;
    assert_nothing_is_kept(&paystream, "ord-fine").await;
}
