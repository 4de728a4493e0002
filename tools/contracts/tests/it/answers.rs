//! What is not as a document says is told.

use paystream_contracts::{Answered, Contract};
use serde_json::{Value, json};

use crate::payments;

fn shown() -> Value {
    payments()["paths"]["/payments"]["post"]["responses"]["201"]["content"]["application/json"]["example"].clone()
}

const HEADERS: [(&str, &str); 3] =
    [("content-type", "application/json"), ("location", "/payments/pay_1"), ("etag", "\"1\"")];

fn breach(status: u16, headers: &[(&str, &str)], body: &Value) -> String {
    let contract = Contract::new(&payments()).unwrap();
    contract.allows("POST", "/payments", Answered { status, headers, body }).unwrap_err().to_string()
}

#[test]
fn what_is_as_the_document_says_passes() {
    let contract = Contract::new(&payments()).unwrap();
    let answered = Answered { status: 201, headers: &HEADERS, body: &shown() };
    assert_eq!(contract.allows("POST", "/payments?x=1", answered), Ok(()));
    // Whoever stands between adds headers of their own.
    let headers = [&HEADERS[..], &[("x-amzn-requestid", "1")]].concat();
    assert_eq!(contract.allows("POST", "/payments", Answered { headers: &headers, ..answered }), Ok(()));
    assert!(contract.knows("GET", "/payments/pay_1"));
    assert!(!contract.knows("GET", "/payments/pay_1/capture") && !contract.knows("GET", "/payments/"));
}

#[test]
fn each_part_that_is_not_is_told() {
    let without = |name: &str| HEADERS.into_iter().filter(|(header, _)| *header != name).collect::<Vec<_>>();
    let with = |pointer: &str, value: Value| {
        let mut body = shown();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let cases = [
        (breach(418, &HEADERS, &shown()), "undocumented"),
        (breach(201, &without("etag"), &shown()), "without header ETag"),
        (breach(201, &without("content-type"), &shown()), "content type"),
        (breach(201, &[&without("etag")[..], &[("etag", "1")]].concat(), &shown()), "header ETag"),
        (breach(201, &[&HEADERS[..], &[("Retry-After", "1")]].concat(), &shown()), "undocumented header Retry-After"),
        (breach(201, &HEADERS, &with("/version", json!("1"))), "/version"),
        (breach(201, &HEADERS, &with("/amount/currency", json!("EURO"))), "/amount/currency"),
        (breach(201, &HEADERS, &json!({})), "payment_id"),
        (
            breach(409, &[("content-type", "application/json"), ("retry-after", "1")], &json!({ "message": "x" })),
            "content type",
        ),
        (breach(409, &[("content-type", "application/problem+json")], &json!({})), "without header Retry-After"),
    ];
    for (told, expected) in cases {
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

/// As a REST API and as an HTTP API: the template deploys either.
#[test]
fn what_api_gateway_answers_by_itself_is_in_the_documents() {
    for document in [payments(), crate::orders()] {
        let contract = Contract::new(&document).unwrap();
        let body = json!({ "message": "Service Unavailable" });
        for status in [401, 403, 404, 413, 429, 500, 502, 503, 504] {
            let answered = Answered { status, headers: &[("content-type", "application/json")], body: &body };
            for (method, path) in contract.routes() {
                assert_eq!(contract.allows(method, path, answered), Ok(()));
            }
        }
    }
}
