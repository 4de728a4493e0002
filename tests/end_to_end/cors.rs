//! Calls of browser pages (CORS) through both API flavours.

use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Answer, Need, Paystream, eur, payment_body, skip_without};

const SHOP: &str = "https://shop.example.com";
const LOCAL: &str = "http://localhost:5173";
const FLAVOURS: [&str; 2] = ["rest", "http"];
/// Routes of both APIs, with a method of each.
const ROUTES: [(&str, &str); 9] = [
    ("POST", "/payments"),
    ("GET", "/payments?order_id=ord-1"),
    ("GET", "/payments/pay_none"),
    ("POST", "/payments/pay_none/capture"),
    ("POST", "/payments/pay_none/void"),
    ("POST", "/payments/pay_none/refund"),
    ("POST", "/orders"),
    ("GET", "/orders/ord-none"),
    ("GET", "/orders/ord-none/payments"),
];

async fn start(flavour: &str, origins: &str) -> Paystream {
    Paystream::start_with_parameters(&[("ApiFlavour", flavour), ("AllowedOrigins", origins)]).await
}

async fn preflight(paystream: &Paystream, path: &str, origin: &str, method: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "authorization,content-type,idempotency-key"),
    ];
    paystream.request("OPTIONS", path, &headers, "").await
}

fn has_cors(answer: &Answer) -> bool {
    answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"))
}

#[tokio::test]
async fn without_allowed_origins_no_response_has_a_cors_header() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    for flavour in FLAVOURS {
        let paystream = start(flavour, "").await;
        for (method, path) in ROUTES {
            let refused = preflight(&paystream, path, SHOP, method).await;
            assert!(!refused.status.is_success() && !has_cors(&refused), "{flavour} {path}: {refused:?}");
            let answer = paystream.request(method, path, &[("origin", SHOP)], "").await;
            assert!(!has_cors(&answer), "{flavour} {method} {path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_call_every_route_and_others_none() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    for flavour in FLAVOURS {
        let paystream = start(flavour, &format!("{SHOP},{LOCAL}")).await;
        for (origin, (method, path)) in [SHOP, LOCAL].into_iter().cycle().zip(ROUTES) {
            let allowed = preflight(&paystream, path, origin, method).await;
            assert_eq!(allowed.status.as_u16(), 204, "{flavour} {path}");
            assert_eq!(allowed.headers["access-control-allow-origin"], origin);
            let answer = paystream.request(method, path, &[("origin", origin)], "").await;
            assert_eq!(answer.headers["access-control-allow-origin"], origin, "{flavour} {method} {path}");
            for other in ["https://evil.example.com", "null"] {
                let refused = preflight(&paystream, path, other, method).await;
                assert!(!has_cors(&refused), "{flavour} {path}: {refused:?}");
                let answer = paystream.request(method, path, &[("origin", other)], "").await;
                assert!(!has_cors(&answer), "{flavour} {method} {path}: {answer:?}");
                assert_eq!(answer.headers["vary"], "origin");
            }
        }
        let body = payment_body("ord-1", &eur(1299), "tok_approve").to_string();
        let headers = [("origin", SHOP), ("content-type", "application/json"), ("idempotency-key", "key-1")];
        let paid = paystream.request("POST", "/payments", &headers, &body).await;
        let exposed = paid.headers["access-control-expose-headers"].to_str().unwrap();
        for name in ["etag", "location"] {
            assert!(exposed.split(", ").any(|exposed| exposed == name) && paid.headers.contains_key(name), "{name}");
        }
        paid.expect(201);
        // API Gateway's own errors have no CORS header in either flavour: a page sees a network error.
        paystream.inject(Fault::new(FaultTarget::function("PaymentApi"), Effect::error("Broken")));
        let failed = paystream.request("POST", "/payments", &headers, &body).await;
        assert!(failed.status.is_server_error() && !has_cors(&failed), "{failed:?}");
    }
}

#[tokio::test]
async fn malformed_origins_are_rejected_before_anything_starts() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    for origins in ["*", "https://shop.example.com/", "shop.example.com", "https://a.example,"] {
        let template = paystream_tests::workspace().join("template.yaml");
        let parameters = [("AllowedOrigins".to_owned(), origins.to_owned())].into();
        let error = paystream_local::Template::load(&template, &parameters).unwrap_err().to_string();
        assert!(error.contains("AllowedOrigins"), "{error}");
    }
}
