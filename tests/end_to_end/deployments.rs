//! One behaviour under every URL and in both kinds of API: URLs in responses lead back to the same deployment, and paths
//! and methods without a route get the same problem.

use paystream_tests::{Answer, Need, Paystream, eur, line, order_body, payment_body, skip_without};
use serde_json::{Value, json};

/// Beginnings of the paths of an API of this flavour: that of the default endpoint, and that of a custom domain.
fn bases(flavour: &str) -> &'static [&'static str] {
    if flavour == "rest" { &["/dev", ""] } else { &[""] }
}

/// Starts a system of each flavour and makes a payment. Returns the flavour, the system, the order and the payment.
async fn paid_in_both_flavours() -> Vec<(&'static str, Paystream, String, Value)> {
    let mut paid = Vec::new();
    for (flavour, paystream) in Paystream::both_flavours().await {
        let order_id = paystream.name("ord");
        let payment = paystream.pay(&order_id, &eur(1299), "tok_approve").await;
        paid.push((flavour, paystream, order_id, payment));
    }
    paid
}

/// Resolves a relative reference against the path of a request (RFC 3986, section 5.2), as far as it is used here.
fn resolved(path: &str, reference: &str) -> String {
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    if reference.starts_with('?') {
        return format!("{path}{reference}");
    }
    if reference.starts_with('/') {
        return reference.to_owned();
    }
    let (mut directory, _) = path.rsplit_once('/').unwrap();
    let mut rest = reference;
    while let Some(above) = rest.strip_prefix("../") {
        (directory, rest) = (directory.rsplit_once('/').unwrap().0, above);
    }
    format!("{directory}/{rest}")
}

/// Follows a reference of the response to a request for `path`. Asserts that it leads to a path under `base`.
async fn follow(paystream: &Paystream, base: &str, path: &str, reference: &str) -> Answer {
    let target = resolved(path, reference);
    assert!(target.starts_with(&format!("{base}/")), "{reference} leads from {path} to {target}");
    paystream.get(&target).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().unwrap()
}

#[tokio::test]
async fn urls_in_responses_lead_back_to_the_same_deployment() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    for (flavour, paystream) in Paystream::both_flavours().await {
        for base in bases(flavour) {
            let order_id = paystream.name("ord");
            let payments = format!("{base}/payments");
            let body = payment_body(&order_id, &eur(1299), "tok_approve");
            for _ in 0..2 {
                let paid = paystream.post(&payments, &body).await;
                let read = follow(&paystream, base, &payments, header(&paid, "location")).await;
                assert_eq!(read.expect(200), paid.expect(201));
            }

            let list = format!("{payments}?order_id={order_id}&limit=1");
            let first = paystream.get(&list).await;
            let link = header(&first, "link").trim_start_matches('<').split('>').next().unwrap();
            let second = follow(&paystream, base, &list, link).await.expect(200);
            let next = first.body["next"].as_str().unwrap();
            assert_eq!(follow(&paystream, base, &list, next).await.expect(200), second);
            assert_ne!(first.expect(200)["payments"], second["payments"]);

            for (path, name) in [("/orders", "asynchronous"), ("/sync/orders", "synchronous")] {
                let (path, order_id) = (format!("{base}{path}"), format!("{order_id}-{name}"));
                let placed = paystream.post(&path, &order_body(&order_id, &[line("tea", 1, &eur(1299))])).await;
                let read = follow(&paystream, base, &path, header(&placed, "location")).await.expect(200);
                assert_eq!(read["order_id"], order_id);
            }

            for path in ["/payments/pay_none", "/orders/ord-none", "/refunds", "/payments/a%2Fb"] {
                let path = format!("{base}{path}");
                let problem = paystream.get(&path).await.expect(404);
                // An HTTP API decodes the path on the way.
                let instance = if flavour == "http" { path.replace("%2F", "/") } else { path };
                assert_eq!(problem["instance"], instance);
            }
        }
    }
}

/// Method, path, status, problem and `Allow` of requests that no route serves.
const WITHOUT_ROUTE: [(&str, &str, u16, &str, Option<&str>); 20] = [
    ("GET", "/", 404, "no-such-route", None),
    ("GET", "/refunds", 404, "no-such-route", None),
    ("POST", "/refunds/1/2", 404, "no-such-route", None),
    ("OPTIONS", "/refunds", 404, "no-such-route", None),
    ("GET", "/payments/?order_id=ord-1", 404, "no-such-route", None),
    ("GET", "/payments/pay_1/", 404, "no-such-route", None),
    ("POST", "/orders/", 404, "no-such-route", None),
    ("GET", "/orders/ord-1/payments/", 404, "no-such-route", None),
    ("GET", "/payments/a%2Fb", 404, "no-such-route", None),
    ("POST", "/payments/pay_1%2Frefund", 404, "no-such-route", None),
    ("POST", "/payments%2Fpay_1%2Frefund", 404, "no-such-route", None),
    ("GET", "/payments/a%25b", 400, "invalid-request", None),
    ("GET", "/orders/a%2541", 400, "invalid-request", None),
    ("GET", "/orders/a%2525", 400, "invalid-request", None),
    ("DELETE", "/payments", 405, "method-not-allowed", Some("POST,GET,HEAD")),
    ("OPTIONS", "/payments", 405, "method-not-allowed", Some("POST,GET,HEAD")),
    ("GET", "/payments/pay_1/refund", 405, "method-not-allowed", Some("POST")),
    ("HEAD", "/orders", 405, "", Some("POST")),
    ("PATCH", "/orders/ord-1", 405, "method-not-allowed", Some("GET,HEAD")),
    ("GET", "/sync/orders", 405, "method-not-allowed", Some("POST")),
];

#[tokio::test]
async fn paths_and_methods_without_a_route_are_answered_alike_in_both_kinds_of_api() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    for (flavour, paystream) in Paystream::both_flavours().await {
        for base in bases(flavour) {
            for (method, path, status, problem, allow) in WITHOUT_ROUTE {
                let path = format!("{base}{path}");
                let answer = paystream.request(method, &path, &[("idempotency-key", "key-1")], "").await;
                let found = answer.headers.get("allow").map(|allow| allow.to_str().unwrap().to_owned());
                assert_eq!((answer.status.as_u16(), found.as_deref()), (status, allow), "{flavour}: {method} {path}");
                assert_eq!(header(&answer, "content-type"), "application/problem+json", "{flavour}: {method} {path}");
                if method != "HEAD" {
                    answer.expect_problem(status, problem);
                }
            }
        }
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    for (flavour, paystream, order_id, payment) in paid_in_both_flavours().await {
        let payment_id = payment["payment_id"].as_str().unwrap();
        for path in
            [format!("/payments/{payment_id}"), "/payments/pay_none".into(), format!("/payments?order_id={order_id}")]
        {
            let (get, head) = (paystream.get(&path).await, paystream.request("HEAD", &path, &[], "").await);
            assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{flavour}: {path}");
            for name in ["content-type", "content-length", "etag"] {
                assert_eq!(head.headers.get(name), get.headers.get(name), "{flavour}: {name} of {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_compressed_body_is_rejected_on_every_route_that_has_one() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    for (flavour, paystream, order_id, payment) in paid_in_both_flavours().await {
        let change = |name: &str| format!("/payments/{}/{name}", payment["payment_id"].as_str().unwrap());
        let paths = [
            "/payments".into(),
            "/orders".into(),
            "/sync/orders".into(),
            change("capture"),
            change("void"),
            change("refund"),
        ];
        for path in paths {
            let headers =
                [("content-type", "application/json"), ("content-encoding", "gzip"), ("idempotency-key", "key-1")];
            let body = payment_body(&order_id, &eur(1), "tok_approve").to_string();
            let answer = paystream.request("POST", &path, &headers, &body).await;
            assert_eq!(header(&answer, "accept-encoding"), "identity", "{flavour}: {path}");
            answer.expect_problem(415, "unsupported-content-encoding");
        }
        let payments = paystream.get(&format!("/payments?order_id={order_id}")).await.expect(200);
        assert_eq!(payments["payments"], json!([payment]), "nothing was stored or changed");
    }
}

#[test]
fn references_are_resolved_as_rfc_3986_says() {
    for (path, reference, target) in [
        ("/a/b?x=1", "c/d", "/a/c/d"),
        ("/a/b/c", "../d/e", "/a/d/e"),
        ("/a/b?x=1", "?y=2", "/a/b?y=2"),
        ("/a/b", "/c", "/c"),
    ] {
        assert_eq!(resolved(path, reference), target);
    }
}
