//! Values that requests may and may not contain.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use openapi_routes::testing::assert_problem;
use order_api::BODY_BYTES_MAX;
use orders::testing::MemoryPayments;
use orders::testing::samples::{self, authorized};
use orders::{Evidence, Order, OrderRequest, Price};
use payment_events::{Money, Timestamp};
use serde_json::{Value, json};

use crate::support::{Api, tea, with};

#[tokio::test]
async fn a_currency_that_is_not_in_use_is_refused_in_a_new_order_and_readable_in_an_old_one() {
    let (api, payments) = (Api::new(), Arc::new(MemoryPayments::default()));
    let sync = api.sync(&payments);
    let in_currency = |code: &str| {
        let mut order = tea();
        order["lines"] = json!([{"sku": "tea", "quantity": 1, "unit_price": {"minor": 500, "currency": code}}]);
        order
    };
    for code in ["XXX", "XTS", "XAU", "BGN", "HRK", "ZWL"] {
        for refused in [api.order(&in_currency(code)).await, sync.sync_order(&in_currency(code)).await] {
            assert_problem(&refused, StatusCode::BAD_REQUEST, "invalid-request");
            assert_eq!(refused.body["errors"][0]["pointer"], "/lines/0/unit_price/currency");
            assert!(refused.body["detail"].as_str().unwrap().contains("must be a currency in use"), "{}", refused.body);
        }
    }
    assert_eq!(payments.take_asked(), 0, "refused before the call to Payments");
    assert_eq!(api.get("/orders/ord-1").await.status, StatusCode::NOT_FOUND);

    // Placed while the lev was in use.
    let lev = Price::new(500, "BGN".parse().unwrap()).unwrap();
    let request = OrderRequest { customer_id: "cust-7".parse().unwrap(), ..samples::request("ord-1", lev) };
    api.store.seed(Order::place(request, Evidence::copies(&[]), Timestamp::now()));
    assert_eq!(api.get("/orders/ord-1").await.body["total"], json!({"minor": 500, "currency": "BGN"}));
    let mut same = in_currency("BGN");
    same["lines"][0]["sku"] = json!("tea-100g");
    for repeated in [api.order(&same).await, sync.sync_order(&same).await] {
        assert_eq!((repeated.status, &repeated.body["status"]), (StatusCode::OK, &json!("awaiting_payment")));
    }
    let payment = authorized("pay_1", Money::new(500, "BGN".parse().unwrap()).unwrap());
    api.project(payment).await;
    assert_eq!(api.get("/orders/ord-1").await.body["status"], "accepted");
}

#[tokio::test]
async fn barcodes_imeis_and_times_in_milliseconds_are_valid_skus_and_ids() {
    let api = Api::new();
    for number in ["4006381330060", "4222222222222", "490154203237518", "1763841600002"] {
        let mut order = with("/lines/0/sku", json!(number));
        order["order_id"] = json!(number);
        assert_eq!(api.order(&order).await.status, StatusCode::ACCEPTED, "{number}");
        assert_eq!(api.get(&format!("/orders/{number}")).await.status, StatusCode::OK, "{number}");
    }
}

#[tokio::test]
async fn ids_in_the_path_are_parsed() {
    let api = Api::new();
    for bad in ["a%20b", "a%23b", "%FF", &"x".repeat(65)] {
        for path in [format!("/orders/{bad}"), format!("/orders/{bad}/payments")] {
            assert_problem(&api.get(&path).await, StatusCode::BAD_REQUEST, "invalid-request");
        }
    }
}

#[tokio::test]
async fn a_problem_points_to_the_invalid_value_in_the_body() {
    let api = Api::new();
    let (order, max) = (tea(), i64::MAX);
    let lines = |count: usize| Value::Array(vec![order["lines"][0].clone(); count]);
    let cases = [
        ("/order_id", with("/order_id", json!("a b"))),
        ("/order_id", with("/order_id", json!(42))),
        ("/customer_id", with("/customer_id", json!(""))),
        ("/lines", with("/lines", json!([]))),
        ("/lines", with("/lines", lines(101))),
        ("/lines", with("/lines", json!({"0": order["lines"][0]}))),
        ("/lines/1", with("/lines/1", json!(["cup", 1, {"minor": 299, "currency": "EUR"}]))),
        ("/lines/1/sku", with("/lines/1/sku", json!("a cup"))),
        ("/lines/0/quantity", with("/lines/0/quantity", json!(0))),
        ("/lines/0/quantity", with("/lines/0/quantity", json!(-1))),
        ("/lines/0/quantity", with("/lines/0/quantity", json!(1_000_001))),
        ("/lines/0/quantity", with("/lines/0/quantity", json!(1.5))),
        ("/lines/0/unit_price/minor", with("/lines/0/unit_price/minor", json!(-1))),
        ("/lines/0/unit_price/minor", with("/lines/0/unit_price/minor", json!(-500))),
        ("/lines/0/unit_price/minor", with("/lines/0/unit_price/minor", json!(i128::from(max) + 1))),
        ("/lines/0/unit_price/minor", with("/lines/0/unit_price/minor", json!(5.0))),
        ("/lines/0/unit_price", with("/lines/0/unit_price", json!([500, "EUR"]))),
        ("/lines/0/unit_price/currency", with("/lines/0/unit_price/currency", json!("eur"))),
        ("/lines/1/unit_price/currency", with("/lines/1/unit_price/currency", json!("USD"))),
        ("/lines/0", with("/lines/0/unit_price/minor", json!(max))),
        ("/lines/1", with("/lines/1/unit_price/minor", json!(max))),
        ("/coupon", {
            let mut body = tea();
            body["coupon"] = json!("SPRING");
            body
        }),
        ("/lines/0/discount", {
            let mut body = tea();
            body["lines"][0]["discount"] = json!(1);
            body
        }),
        ("/lines/0/unit_price/exponent", {
            let mut body = tea();
            body["lines"][0]["unit_price"]["exponent"] = json!(2);
            body
        }),
    ];
    for (pointer, body) in cases {
        let response = api.order(&body).await;
        assert_problem(&response, StatusCode::BAD_REQUEST, "invalid-request");
        assert_eq!(response.body["errors"][0]["pointer"], pointer, "{}", response.body);
    }
    assert_eq!(api.store.take_calls(), orders::testing::Calls::default(), "no call reached the store");
}

#[tokio::test]
async fn card_numbers_are_rejected_and_nothing_is_read_or_written() {
    let api = Api::new();
    for (pointer, body) in [
        ("/order_id", with("/order_id", json!("4242424242424242"))),
        ("/customer_id", with("/customer_id", json!("4242-4242-4242-4242"))),
        ("/lines/1/sku", with("/lines/1/sku", json!("cup/4242424242424242"))),
        ("/lines/0/unit_price/minor", with("/lines/0/unit_price/minor", json!(4_242_424_242_424_242_u64))),
    ] {
        let response = api.order(&body).await;
        assert_problem(&response, StatusCode::BAD_REQUEST, "card-number");
        assert_eq!(response.body["errors"][0]["pointer"], pointer);
    }
    let response = api.get("/orders/4242424242424242/payments").await;
    assert_problem(&response, StatusCode::BAD_REQUEST, "card-number");
    assert_eq!(api.store.take_calls(), orders::testing::Calls::default());
}

#[tokio::test]
async fn bodies_that_are_not_json_or_too_large_or_undeclared_are_rejected() {
    let api = Api::new();
    for body in ["", "{", "order", "\u{0}"] {
        assert_problem(&api.order_raw(body).await, StatusCode::BAD_REQUEST, "malformed-json");
    }
    let large = format!("{}{}", tea(), " ".repeat(BODY_BYTES_MAX));
    assert_problem(&api.order_raw(&large).await, StatusCode::PAYLOAD_TOO_LARGE, "body-too-large");
    let undeclared = Request::post("/orders").body(Body::from(tea().to_string())).unwrap();
    assert_problem(&api.send(undeclared).await, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type");
}

#[tokio::test]
async fn the_largest_valid_order_fits_the_body() {
    let api = Api::new();
    let line = json!({"sku": "s".repeat(64), "quantity": 1_000_000,
        "unit_price": {"minor": i64::MAX / 100 / 1_000_000, "currency": "EUR"}});
    let body = json!({"order_id": "o".repeat(64), "customer_id": "c".repeat(64), "lines": vec![line; 100]});
    assert!(body.to_string().len() < BODY_BYTES_MAX / 2);
    assert_eq!(api.order(&body).await.status, StatusCode::ACCEPTED);
}
