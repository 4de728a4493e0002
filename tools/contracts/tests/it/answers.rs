//! Violations of a document by a response are reported.

use paystream_contracts::{Answered, Contract};
use serde_json::{Value, json};

use crate::payments;

fn example() -> Value {
    payments()["paths"]["/payments"]["post"]["responses"]["201"]["content"]["application/json"]["example"].clone()
}

const HEADERS: [(&str, &str); 3] =
    [("content-type", "application/json"), ("location", "/payments/pay_1"), ("etag", "\"1\"")];

fn breach(status: u16, headers: &[(&str, &str)], body: &Value) -> String {
    let contract = Contract::new(&payments()).unwrap();
    contract.allows("POST", "/payments", Answered { status, headers, body }).unwrap_err().to_string()
}

#[test]
fn a_documented_response_passes() {
    let contract = Contract::new(&payments()).unwrap();
    let answered = Answered { status: 201, headers: &HEADERS, body: &example() };
    assert_eq!(contract.allows("POST", "/payments?x=1", answered), Ok(()));
    // Intermediaries add headers of their own.
    let headers = [&HEADERS[..], &[("x-amzn-requestid", "1")]].concat();
    assert_eq!(contract.allows("POST", "/payments", Answered { headers: &headers, ..answered }), Ok(()));
    assert!(contract.knows("GET", "/payments/pay_1"));
    assert!(!contract.knows("GET", "/payments/pay_1/capture") && !contract.knows("GET", "/payments/"));
}

#[test]
fn each_violation_is_reported() {
    let without = |name: &str| HEADERS.into_iter().filter(|(header, _)| *header != name).collect::<Vec<_>>();
    let with = |pointer: &str, value: Value| {
        let mut body = example();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let cases = [
        (breach(418, &HEADERS, &example()), "undocumented"),
        (breach(201, &without("etag"), &example()), "missing header ETag"),
        (breach(201, &without("content-type"), &example()), "content type"),
        (breach(201, &[&without("etag")[..], &[("etag", "1")]].concat(), &example()), "header ETag"),
        (breach(201, &[&HEADERS[..], &[("Retry-After", "1")]].concat(), &example()), "undocumented header Retry-After"),
        (breach(201, &HEADERS, &with("/version", json!("1"))), "/version"),
        (breach(201, &HEADERS, &with("/amount/currency", json!("EURO"))), "/amount/currency"),
        (breach(201, &HEADERS, &json!({})), "payment_id"),
        (
            breach(409, &[("content-type", "application/json"), ("retry-after", "1")], &json!({ "message": "x" })),
            "content type",
        ),
        (breach(409, &[("content-type", "application/problem+json")], &json!({})), "missing header Retry-After"),
    ];
    for (found, expected) in cases {
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

/// Those of a REST API and of an HTTP API: the template can deploy either.
#[test]
fn api_gateways_own_responses_are_documented() {
    for document in [payments(), crate::orders()] {
        let contract = Contract::new(&document).unwrap();
        let body = json!({ "message": "Service Unavailable" });
        for status in [400, 401, 403, 413, 429, 500, 502, 503, 504] {
            let answered = Answered { status, headers: &[("content-type", "application/json")], body: &body };
            for (method, path) in contract.routes() {
                assert_eq!(contract.allows(method, path, answered), Ok(()));
            }
        }
    }
}
