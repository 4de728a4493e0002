//! Payments that are made and listed.

use api_gateway::Identity;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_pages::Cursor;
use openapi_routes::testing::assert_problem;
use serde_json::{Value, json};

use crate::support::{Api, tea, with};

#[tokio::test]
async fn a_payment_is_accepted_and_read_back() {
    let api = Api::new();
    let paid = api.pay("key-1", &tea("tok_approve")).await;
    assert_eq!(paid.status, StatusCode::CREATED, "{}", paid.body);
    assert!(!paid.headers.contains_key("idempotent-replayed"));
    let id = paid.body["payment_id"].as_str().unwrap();
    assert_eq!(paid.headers["location"], format!("payments/{id}"));
    assert_eq!(paid.body["status"], "authorized");
    assert_eq!(paid.body["amount"], json!({"minor": 1299, "currency": "EUR"}));
    assert_eq!(paid.body["version"], 1);

    assert_eq!(api.get(&format!("/payments/{id}")).await.body, paid.body);
    assert_eq!(api.get("/payments?order_id=ord-42").await.body, json!({"payments": [paid.body]}));
    assert_eq!(api.get("/payments?order_id=ord-43").await.body, json!({"payments": []}));
}

#[tokio::test]
async fn a_retry_returns_the_first_payment_and_is_marked_as_replayed() {
    let api = Api::new();
    let first = api.pay("key-1", &tea("tok_approve")).await;
    let second = api.pay("key-1", &tea("tok_approve")).await;
    assert_eq!((second.status, second.body), (StatusCode::CREATED, first.body));
    assert_eq!(second.headers["idempotent-replayed"], "true");
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_its_caller() {
    let api = Api::new();
    let pay_as = async |identity: Identity| {
        let request = Request::post("/payments").header("content-type", "application/json").extension(identity);
        let request = request.header("idempotency-key", "key-1").body(Body::from(tea("tok_approve").to_string()));
        api.send(request.unwrap()).await.body["payment_id"].clone()
    };
    let session = |name| Identity::Principal(format!("arn:aws:sts::123456789012:assumed-role/{name}"));
    let first = pay_as(session("checkout/i-1")).await;
    assert_eq!(pay_as(session("checkout/i-2")).await, first, "another session of the same role");
    assert_ne!(pay_as(session("kiosk/i-1")).await, first);
    assert_ne!(pay_as(Identity::Token { subject: "client-7@clients".to_owned(), scopes: String::new() }).await, first);
    assert_ne!(api.pay("key-1", &tea("tok_approve")).await.body["payment_id"], first);
}

#[tokio::test]
async fn a_payment_needs_a_well_formed_key_that_is_used_for_one_body() {
    let api = Api::new();
    let request = Request::post("/payments").header("content-type", "application/json");
    let response = api.send(request.body(Body::from(tea("tok_approve").to_string())).unwrap()).await;
    assert_problem(&response, StatusCode::BAD_REQUEST, "idempotency-key-missing");

    let long = "x".repeat(256);
    for bad in ["", "a b", long.as_str()] {
        let response = api.pay(bad, &tea("tok_approve")).await;
        assert_problem(&response, StatusCode::BAD_REQUEST, "invalid-request");
        assert_eq!(response.body["errors"][0]["pointer"], "idempotency-key");
    }

    api.pay("key-1", &tea("tok_approve")).await;
    let other = api.pay("key-1", &with("/amount/minor", json!(1))).await;
    assert_problem(&other, StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused");
}

#[tokio::test]
async fn a_declined_payment_has_a_reason() {
    let declined = Api::new().pay("key-1", &tea("tok_decline_insufficient_funds")).await;
    assert_eq!(declined.status, StatusCode::CREATED);
    assert_eq!(declined.body["status"], "declined");
    assert_eq!(declined.body["decline"]["code"], "insufficient_funds");
}

#[tokio::test]
async fn a_payment_succeeds_on_retry_after_a_processor_failure() {
    let api = Api::new();
    let failed = api.pay("key-1", &tea("tok_fail_once")).await;
    assert_problem(&failed, StatusCode::SERVICE_UNAVAILABLE, "processor-unavailable");
    assert_eq!(failed.headers["retry-after"], "1");
    assert_eq!(api.pay("key-1", &tea("tok_fail_once")).await.body["status"], "authorized");
}

#[tokio::test]
async fn unknown_payments_and_invalid_requests_have_different_problems() {
    let api = Api::new();
    assert_problem(&api.get("/payments/pay_none").await, StatusCode::NOT_FOUND, "payment-not-found");
    assert_problem(&api.get("/payments/42").await, StatusCode::BAD_REQUEST, "invalid-request");
    assert_problem(&api.get("/payments").await, StatusCode::BAD_REQUEST, "invalid-request");
    assert_problem(&api.get("/payments?order_id=a%20b").await, StatusCode::BAD_REQUEST, "invalid-request");
    assert_problem(&api.get("/refunds").await, StatusCode::NOT_FOUND, "no-such-route");
}

#[tokio::test]
async fn direct_and_deferred_publishes_are_counted() {
    let api = Api::new();
    api.pay("key-1", &tea("tok_approve")).await;
    api.pay("key-1", &tea("tok_approve")).await;
    api.publisher.fail_for("ord-42");
    api.pay("key-2", &tea("tok_approve")).await;
    let counts = api.counts.lock().unwrap();
    let counted: Vec<_> = counts.iter().map(|line| (&line["PublishedHot"], &line["Deferred"])).collect();
    assert_eq!(counted, [(&json!(1), &Value::Null), (&Value::Null, &json!(1))]);
}

#[tokio::test]
async fn payments_of_an_order_are_listed_in_pages_that_lead_from_one_to_the_next() {
    let api = Api::new();
    let mut made = Vec::new();
    for number in 0..5 {
        let paid = api.pay(&format!("key-{number}"), &tea("tok_approve")).await;
        made.push(paid.body["payment_id"].as_str().unwrap().to_owned());
    }
    made.sort_unstable();
    let (mut ids, mut sizes, mut next) = (Vec::new(), Vec::new(), Some("?order_id=ord-42&limit=2".to_owned()));
    while let Some(query) = next {
        let page = api.get(&format!("/payments{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let payments = page.body["payments"].as_array().unwrap();
        sizes.push(payments.len());
        ids.extend(payments.iter().map(|payment| payment["payment_id"].as_str().unwrap().to_owned()));
        next = page.body["next"].as_str().map(str::to_owned);
        let link = next.as_ref().map(|next| format!("<{next}>; rel=\"next\""));
        assert_eq!(page.headers.get("link").map(|link| link.to_str().unwrap()), link.as_deref());
    }
    assert_eq!((sizes.as_slice(), &ids), (&[2, 2, 1][..], &made));
}

#[tokio::test]
async fn limits_and_cursors_of_a_list_are_parsed() {
    let api = Api::new();
    for key in ["key-1", "key-2"] {
        api.pay(key, &tea("tok_approve")).await;
    }
    let first = api.get("/payments?order_id=ord-42&limit=1").await;
    let cursor = first.body["next"].as_str().unwrap().split_once("cursor=").unwrap().1.to_owned();
    // A cursor of the same form, but with a key that is no payment id.
    let other = Cursor::new("ord-42", "pay 1");
    for (query, parameter) in [
        ("order_id=ord-42&limit=0".to_owned(), "limit"),
        ("order_id=ord-42&limit=101".to_owned(), "limit"),
        ("order_id=ord-42&cursor=".to_owned(), "cursor"),
        ("order_id=ord-42&cursor=pay_0".to_owned(), "cursor"),
        (format!("order_id=ord-42&cursor={other}"), "cursor"),
        (format!("order_id=ord-42&cursor={cursor}A"), "cursor"),
        (format!("order_id=ord-43&cursor={cursor}"), "cursor"),
        ("order_id=ord-42&page=2".to_owned(), "page"),
    ] {
        let refused = api.get(&format!("/payments?{query}")).await;
        assert_problem(&refused, StatusCode::BAD_REQUEST, "invalid-request");
        assert_eq!(refused.body["errors"][0]["pointer"], parameter, "{query}: {}", refused.body);
    }
}
