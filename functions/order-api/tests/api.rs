//! The Orders API, called through its router.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use openapi_routes::testing::{Response, assert_problem, send};
use order_api::{BODY_BYTES_MAX, description, router, sync_router};
use orders::testing::samples::{self, authorized, captured, declined, euros, voided};
use orders::testing::{MemoryOrders, MemoryPayments};
use orders::{
    Evidence, FindOrder, Order, OrderRequest, PAYMENTS_MAX, PaymentCopies, PlaceOrder, Price, ProjectPayments, Settle,
};
use payment_events::{Decline, Money, PaymentId, PaymentInfo, Timestamp};
use serde_json::{Value, json};

struct Api {
    router: Router,
    store: Arc<MemoryOrders>,
}

impl Api {
    fn new() -> Self {
        let store = Arc::new(MemoryOrders::default());
        let find = FindOrder::new(store.clone(), Settle::new(store.clone(), store.clone()));
        let router = router(PlaceOrder::new(store.clone(), store.clone()), find, store.clone());
        Self { router, store }
    }

    async fn send(&self, request: Request<Body>) -> Response {
        send(&self.router, &description(), request).await
    }

    /// Synchronous mode with the same store and these payments.
    fn sync(&self, payments: &Arc<MemoryPayments>) -> Self {
        let place = PlaceOrder::new(self.store.clone(), self.store.clone()).asking(payments.clone());
        Self { router: sync_router(place), store: self.store.clone() }
    }

    async fn sync_order(&self, body: &Value) -> Response {
        let request = Request::post("/sync/orders").header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn order(&self, body: &Value) -> Response {
        self.order_raw(&body.to_string()).await
    }

    async fn order_raw(&self, body: &str) -> Response {
        let request = Request::post("/orders").header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn get(&self, path: &str) -> Response {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Projects a payment, as the projector does.
    async fn project(&self, payment: PaymentInfo) {
        let settle = Settle::new(self.store.clone(), self.store.clone());
        ProjectPayments::new(self.store.clone(), settle).project(vec![payment]).await.unwrap();
    }
}

/// Order of 2 × 5.00 and 1 × 2.99.
fn tea() -> Value {
    json!({"order_id": "ord-1", "customer_id": "cust-7", "lines": [
        {"sku": "tea-100g", "quantity": 2, "unit_price": {"minor": 500, "currency": "EUR"}},
        {"sku": "cup", "quantity": 1, "unit_price": {"minor": 299, "currency": "EUR"}},
    ]})
}

/// Order with the value at `pointer` replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = tea();
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

fn pay(minor: i64) -> PaymentInfo {
    authorized("pay_1", euros(minor))
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_paid_order_is_accepted_and_can_be_read() {
    let api = Api::new();
    api.project(pay(1_299)).await;
    let placed = api.order(&tea()).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{}", placed.body);
    assert_eq!(placed.headers["location"], "orders/ord-1");
    let body = &placed.body;
    assert_eq!((&body["order_id"], &body["customer_id"]), (&json!("ord-1"), &json!("cust-7")));
    assert_eq!((&body["lines"], &body["total"]), (&tea()["lines"], &json!({"minor": 1299, "currency": "EUR"})));
    assert_eq!((&body["status"], &body["revision"]), (&json!("accepted"), &json!(1)));
    assert_eq!(body["fulfilment"], json!({"status": "started", "started_at": body["payment"]["decided_at"]}));
    assert_eq!(body["payment"]["read"], "local");
    let age_ms = &body["payment"]["based_on"][0]["age_ms"];
    let based_on = json!([{"payment_id": "pay_1", "version": 1, "status": "authorized", "age_ms": age_ms}]);
    assert_eq!(body["payment"]["based_on"], based_on);
    assert!(age_ms.as_u64().is_some());
    time(&body["created_at"]);
    assert_eq!(api.get("/orders/ord-1").await.body, *body);
}

#[tokio::test]
async fn an_unpaid_order_waits_and_is_accepted_when_its_payment_arrives() {
    let api = Api::new();
    let placed = api.order(&tea()).await;
    assert_eq!(placed.status, StatusCode::ACCEPTED);
    assert_eq!(placed.headers["location"], "orders/ord-1");
    assert_eq!(placed.body["status"], "awaiting_payment");
    assert_eq!(placed.body["fulfilment"], json!({"status": "not_started"}));
    assert_eq!(placed.body["payment"]["based_on"], json!([]));
    api.project(pay(1_299)).await;
    let read = api.get("/orders/ord-1").await;
    assert_eq!((&read.body["status"], &read.body["revision"]), (&json!("accepted"), &json!(2)));
}

#[tokio::test]
async fn a_declined_payment_leaves_the_order_waiting_and_is_shown() {
    for order_first in [true, false] {
        let api = Api::new();
        if order_first {
            api.order(&tea()).await;
        }
        api.project(declined("pay_1", euros(1_299))).await;
        if !order_first {
            assert_eq!(api.order(&tea()).await.status, StatusCode::ACCEPTED);
        }
        let read = api.get("/orders/ord-1").await;
        assert_eq!(read.body["status"], "awaiting_payment");
        assert_eq!(read.body["payment"]["based_on"][0]["status"], "declined");
    }
}

#[tokio::test]
async fn a_void_puts_an_accepted_order_on_hold() {
    let api = Api::new();
    api.project(pay(1_299)).await;
    let accepted = api.order(&tea()).await.body;
    api.project(voided(&pay(1_299))).await;
    let read = api.get("/orders/ord-1").await.body;
    assert_eq!((&read["status"], &read["fulfilment"]), (&json!("on_hold"), &accepted["fulfilment"]));
}

#[tokio::test]
async fn an_accepted_order_shows_the_payments_that_cover_it_now_and_overpayments() {
    let (api, payments) = (Api::new(), Arc::new(MemoryPayments::default()));
    let sync = api.sync(&payments);
    let other = authorized("pay_2", euros(1_500));
    for payment in [pay(1_299), other.clone()] {
        payments.becomes(payment);
    }
    api.project(pay(1_299)).await;
    api.order(&tea()).await;
    api.project(other).await;
    let coverage = async || api.get("/orders/ord-1").await.body["coverage"].clone();
    let eur = |minor: i64| json!({"minor": minor, "currency": "EUR"});
    let both = coverage().await;
    assert_eq!((&both["covered"], &both["overpaid"], &both["payments"]), (&eur(1_299), &eur(1_500), &json!(2)));

    payments.becomes(voided(&pay(1_299)));
    api.project(voided(&pay(1_299))).await;
    api.store.take_calls();
    let read = api.get("/orders/ord-1").await.body;
    let covering = json!([{"payment_id": "pay_2", "version": 1, "status": "authorized", "minor": 1_500}]);
    let expected = json!({"covered": eur(1_299), "overpaid": eur(201), "covered_by": covering, "payments": 1,
        "is_complete": true});
    assert_eq!(read["coverage"], expected);
    assert_eq!(read["payment"]["based_on"][0]["payment_id"], "pay_1", "the decision stays");
    assert_eq!((&read["status"], &read["revision"]), (&json!("accepted"), &json!(1)));
    let repeated = api.order(&tea()).await;
    assert_eq!((repeated.status, &repeated.body["coverage"]), (StatusCode::OK, &expected));
    let calls = api.store.take_calls();
    assert_eq!((calls.order_writes, calls.payment_writes), (0, 0), "it is computed, not stored");
    let repeated = sync.sync_order(&tea()).await;
    assert_eq!((repeated.status, &repeated.body["coverage"]), (StatusCode::OK, &expected));
    assert_eq!(api.get("/orders/ord-1").await.body["revision"], 1);
}

#[tokio::test]
async fn gifts_are_accepted_and_an_order_of_gifts_alone_needs_no_payment() {
    let (api, payments) = (Api::new(), Arc::new(MemoryPayments::default()));
    let mixed = with("/lines/1/unit_price/minor", json!(0));
    let placed = api.order(&mixed).await;
    assert_eq!((placed.status, &placed.body["total"]["minor"]), (StatusCode::ACCEPTED, &json!(1_000)));
    for (order_id, sync) in [("ord-2", false), ("ord-3", true)] {
        let gifts = json!({"order_id": order_id, "customer_id": "cust-7",
            "lines": [{"sku": "gift", "quantity": 2, "unit_price": {"minor": 0, "currency": "EUR"}}]});
        let placed = if sync { api.sync(&payments).sync_order(&gifts).await } else { api.order(&gifts).await };
        assert_eq!((placed.status, &placed.body["status"]), (StatusCode::CREATED, &json!("accepted")));
        assert_eq!((&placed.body["total"]["minor"], &placed.body["payment"]["based_on"]), (&json!(0), &json!([])));
        assert_eq!(api.get(&format!("/orders/{order_id}")).await.body, placed.body);
    }
}

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
async fn a_repeated_request_returns_the_order_in_its_current_state() {
    let api = Api::new();
    api.order(&tea()).await;
    api.project(pay(1_299)).await;
    let again = api.order(&tea()).await;
    assert_eq!((again.status, &again.body["status"]), (StatusCode::OK, &json!("accepted")));
    assert_eq!(again.body, api.get("/orders/ord-1").await.body);
}

#[tokio::test]
async fn a_different_order_under_a_known_id_is_a_conflict() {
    let api = Api::new();
    let first = api.order(&tea()).await;
    for other in [
        with("/customer_id", json!("cust-8")),
        with("/lines/0/quantity", json!(3)),
        with("/lines/1/sku", json!("mug")),
        with("/lines/1/unit_price/minor", json!(298)),
    ] {
        assert_problem(&api.order(&other).await, StatusCode::CONFLICT, "order-conflict");
    }
    assert_eq!(api.store.order("ord-1").unwrap().customer_id.as_str(), first.body["customer_id"]);
}

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
async fn an_unknown_order_is_not_found() {
    let api = Api::new();
    api.project(pay(1_299)).await;
    let response = api.get("/orders/ord-1").await;
    assert_problem(&response, StatusCode::NOT_FOUND, "order-not-found");
    assert_eq!(response.body["instance"], "/orders/ord-1");
    assert_problem(&api.get("/orders").await, StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
    assert_problem(&api.get("/order").await, StatusCode::NOT_FOUND, "no-such-route");
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

#[tokio::test]
async fn a_failing_store_is_unavailable_and_its_error_is_not_disclosed() {
    let api = Api::new();
    api.store.fail_for(&"ord-1".parse().unwrap(), true);
    for response in [api.order(&tea()).await, api.get("/orders/ord-1").await, api.get("/orders/ord-1/payments").await] {
        assert_problem(&response, StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        assert_eq!(response.headers["retry-after"], "1");
        assert!(!response.body.to_string().contains("set it to fail"), "{}", response.body);
    }
}

#[tokio::test]
async fn an_order_placed_in_synchronous_mode_is_accepted_on_the_lookup_and_shared_by_both_modes() {
    let (api, payments) = (Api::new(), Arc::new(MemoryPayments::default()));
    let sync = api.sync(&payments);
    payments.becomes(pay(1_299));
    let placed = sync.sync_order(&tea()).await;
    assert_eq!((placed.status, &placed.body["payment"]["read"]), (StatusCode::CREATED, &json!("remote")));
    assert_eq!(placed.headers["location"], "../orders/ord-1");
    assert_eq!(api.get("/orders/ord-1").await.body, placed.body);
    // Within the same millisecond, the repeated request would count as an SDK retry of the first.
    while Timestamp::now() == time(&placed.body["created_at"]) {}
    for again in [sync.sync_order(&tea()).await, api.order(&tea()).await] {
        assert_eq!((again.status, &again.body), (StatusCode::OK, &placed.body));
    }
    let other = sync.sync_order(&with("/customer_id", json!("cust-8"))).await;
    assert_problem(&other, StatusCode::CONFLICT, "order-conflict");
}

#[tokio::test]
async fn a_failed_call_to_payments_is_a_problem_with_retry_after_and_stores_nothing() {
    let (api, payments) = (Api::new(), Arc::new(MemoryPayments::default()));
    let sync = api.sync(&payments);
    payments.is_down(true);
    let rejected = sync.sync_order(&tea()).await;
    assert_problem(&rejected, StatusCode::SERVICE_UNAVAILABLE, "payments-unreachable");
    assert_eq!(
        (&rejected.headers["retry-after"], &rejected.body["instance"]),
        (&"7".parse().unwrap(), &json!("/sync/orders"))
    );
    assert_eq!(api.get("/orders/ord-1").await.status, StatusCode::NOT_FOUND);
    payments.is_down(false);
    let waits = sync.sync_order(&tea()).await;
    assert_eq!((waits.status, &waits.body["payment"]["read"]), (StatusCode::ACCEPTED, &json!("remote")));
}

#[tokio::test]
async fn an_invalid_order_is_rejected_without_a_call_to_payments_and_synchronous_mode_has_no_other_route() {
    let (api, payments) = (Api::new(), Arc::new(MemoryPayments::default()));
    let sync = api.sync(&payments);
    let rejected = sync.sync_order(&with("/lines/0/quantity", json!(0))).await;
    assert_problem(&rejected, StatusCode::BAD_REQUEST, "invalid-request");
    assert_eq!(payments.take_asked(), 0);
    assert_problem(&sync.get("/orders/ord-1").await, StatusCode::NOT_FOUND, "no-such-route");
    assert_problem(&sync.get("/sync/orders").await, StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
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
