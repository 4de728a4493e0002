//! Lists of payments, and the size of responses.

use axum::http::StatusCode;
use openapi_routes::testing::{Response, assert_problem};
use orders::testing::samples::{self, captured, declined, euros};
use orders::{PAYMENTS_MAX, PaymentCopies};
use payment_events::{Decline, PaymentId, PaymentInfo};
use serde_json::{Value, json};

use crate::support::{Api, pay, tea, time};

#[tokio::test]
async fn payments_are_listed_with_their_age_before_and_after_the_order_is_placed() {
    let api = Api::new();
    assert_eq!(
        api.get("/orders/ord-1/payments").await.body,
        json!({"order_id": "ord-1", "payments": [], "is_complete": true})
    );
    let paid = captured(&pay(1_299), 1_299, 300);
    api.project(paid.clone()).await;
    api.project(declined("pay_0", euros(7))).await;
    for _ in 0..2 {
        let response = api.get("/orders/ord-1/payments").await;
        assert_eq!(response.status, StatusCode::OK);
        let payments = response.body["payments"].as_array().unwrap();
        let ids: Vec<_> = payments.iter().map(|payment| payment["payment_id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["pay_0", "pay_1"]);
        assert_eq!(payments[0]["decline"]["code"], "expired_card");
        let (received_at, received_after_ms, age_ms) = (
            &payments[1]["received_at"],
            payments[1]["received_after_ms"].as_u64().unwrap(),
            payments[1]["age_ms"].as_u64().unwrap(),
        );
        assert_eq!(received_after_ms, time(received_at).ms_since(paid.updated_at));
        assert!(age_ms >= received_after_ms);
        let mut expected = serde_json::to_value(&paid).unwrap();
        for (name, value) in [
            ("received_at", received_at.clone()),
            ("received_after_ms", json!(received_after_ms)),
            ("age_ms", json!(age_ms)),
        ] {
            expected[name] = value;
        }
        assert_eq!(payments[1], expected);
        api.order(&tea()).await;
    }
}

#[tokio::test]
async fn payments_are_listed_in_pages_that_lead_from_one_to_the_next() {
    let api = Api::new();
    for number in 0..5 {
        api.project(declined(&format!("pay_{number}"), euros(1))).await;
    }
    let path = "/orders/ord-1/payments";
    let mut ids = Vec::new();
    let mut next = Some("?limit=2".to_owned());
    let mut sizes = Vec::new();
    while let Some(query) = next {
        let page = api.get(&format!("{path}{query}")).await;
        assert_eq!((page.status, &page.body["is_complete"]), (StatusCode::OK, &json!(true)), "{}", page.body);
        let payments = page.body["payments"].as_array().unwrap();
        sizes.push(payments.len());
        ids.extend(payments.iter().map(|payment| payment["payment_id"].as_str().unwrap().to_owned()));
        next = page.body["next"].as_str().map(str::to_owned);
        let link = next.as_ref().map(|next| format!("<{next}>; rel=\"next\""));
        assert_eq!(page.headers.get("link").map(|link| link.to_str().unwrap()), link.as_deref());
    }
    assert_eq!(
        (sizes.as_slice(), ids.as_slice()),
        (&[2, 2, 1][..], &["pay_0", "pay_1", "pay_2", "pay_3", "pay_4"].map(str::to_owned)[..])
    );
}

/// Maximum size of a function's response, in bytes. Source:
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const RESPONSE_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Size of the function's response, which has the body as a JSON string.
fn response_bytes(response: &Response) -> usize {
    json!(response.body.to_string()).to_string().len()
}

/// Control characters take the most bytes: six in JSON, and seven in the response of the function.
#[tokio::test]
async fn the_largest_page_of_payments_and_the_largest_order_fit_a_response() {
    let api = Api::new();
    let line = json!({"sku": "\\".repeat(64), "quantity": 1_000_000,
        "unit_price": {"minor": i64::MAX / 100 / 1_000_000, "currency": "EUR"}});
    let customer_id = "c".repeat(64);
    let placed = json!({"order_id": "ord-1", "customer_id": customer_id, "lines": vec![line; 100]});
    assert_eq!(api.order(&placed).await.status, StatusCode::ACCEPTED);
    let mut declined = declined(&format!("pay_{}", "0".repeat(PaymentId::SUFFIX_LENGTH_MAX)), euros(i64::MAX));
    declined.version = PaymentInfo::VERSION_MAX;
    declined.decline.as_mut().unwrap().message = "\u{1}".repeat(Decline::READ_BYTES_MAX - 100);
    for number in 0..PAYMENTS_MAX {
        let payment_id = format!("pay_{number:0width$}", width = PaymentId::SUFFIX_LENGTH_MAX).parse().unwrap();
        // Each covers a part of the order, but for those of the page.
        let payment = if number < 100 { declined.clone() } else { pay(i64::MAX / 2_000) };
        let copy = samples::stored(PaymentInfo { payment_id, ..payment });
        api.store.put_if_newer(&copy).await.unwrap();
    }
    let page = api.get("/orders/ord-1/payments?limit=100").await;
    assert_eq!((page.status, page.body["payments"].as_array().unwrap().len()), (StatusCode::OK, 100));
    assert!(response_bytes(&page) < RESPONSE_BYTES_MAX / 4, "{} bytes", response_bytes(&page));
    let order = api.get("/orders/ord-1").await;
    assert_eq!((order.status, &order.body["coverage"]["payments"]), (StatusCode::OK, &json!(PAYMENTS_MAX - 100)));
    assert_eq!(order.body["payment"]["payments"], json!(PAYMENTS_MAX));
    assert!(response_bytes(&order) < RESPONSE_BYTES_MAX / 4, "{} bytes", response_bytes(&order));
}

#[tokio::test]
async fn limits_and_cursors_of_a_list_are_parsed() {
    let api = Api::new();
    for number in 0..2 {
        api.project(declined(&format!("pay_{number}"), euros(1))).await;
    }
    let first = api.get("/orders/ord-1/payments?limit=1").await;
    let cursor = first.body["next"].as_str().unwrap().split_once("cursor=").unwrap().1.to_owned();
    for (path, parameter) in [
        ("/orders/ord-1/payments?limit=0".to_owned(), "limit"),
        ("/orders/ord-1/payments?limit=101".to_owned(), "limit"),
        ("/orders/ord-1/payments?limit=".to_owned(), "limit"),
        ("/orders/ord-1/payments?cursor=".to_owned(), "cursor"),
        ("/orders/ord-1/payments?cursor=pay_0".to_owned(), "cursor"),
        (format!("/orders/ord-1/payments?cursor={cursor}A"), "cursor"),
        (format!("/orders/ord-2/payments?cursor={cursor}"), "cursor"),
        ("/orders/ord-1/payments?page=2".to_owned(), "page"),
    ] {
        let refused = api.get(&path).await;
        assert_problem(&refused, StatusCode::BAD_REQUEST, "invalid-request");
        assert_eq!(refused.body["errors"][0]["pointer"], parameter, "{path}: {}", refused.body);
    }
}

#[tokio::test]
async fn a_page_of_the_longest_payments_fits_a_response_of_lambda() {
    let api = Api::new();
    for number in 0..101 {
        let mut payment = declined(&format!("pay_{number:0>60}"), euros(i64::MAX));
        // The longest text in JSON within a JSON string: an escaped control character, whose escape is escaped.
        payment.decline.as_mut().unwrap().code = "\u{1}".repeat(64);
        payment.decline.as_mut().unwrap().message = "\u{1}".repeat(1_024);
        api.project(payment).await;
    }
    let page = api.get("/orders/ord-1/payments").await.body;
    assert_eq!(page["payments"].as_array().unwrap().len(), 100);
    let response = Value::from(page.to_string()).to_string();
    assert!(response.len() < api_gateway::BODY_BYTES_MAX / 2, "{} bytes", response.len());
}
