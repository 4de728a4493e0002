//! What the documents show can be done, and what is answered is as they say (the harness holds every answer to them).

use paystream_contracts::{EventSchemas, repository};
use paystream_tests::{Need, Paystream, skip_without};
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

fn document(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(repository().join(path)).unwrap()).unwrap()
}

#[tokio::test]
async fn every_example_of_a_request_is_answered_as_its_document_says() {
    let paystream = Paystream::of_target().await;
    let payments = document("docs/api/openapi/payments.json");
    let orders = document("docs/api/openapi/orders.json");
    let mut sent = 0;
    for (api, path) in [(&payments, "/payments"), (&orders, "/orders")] {
        for (name, body) in bodies(&api["paths"][path]["post"]) {
            let answer = paystream.post(path, &body).await;
            assert!(answer.status.is_success(), "{path}: {name}: {}", answer.body);
            sent += 1;
        }
    }
    // What changes a payment is sent to a payment that can be changed so.
    for path in payments["paths"].as_object().unwrap().keys().filter(|path| path.contains("{payment_id}/")) {
        for (name, body) in bodies(&payments["paths"][path]["post"]) {
            let paid = bodies(&payments["paths"]["/payments"]["post"]).swap_remove(0).1;
            let payment = paystream.post("/payments", &paid).await.expect(201);
            let of_payment = |path: &str| path.replace("{payment_id}", payment["payment_id"].as_str().unwrap());
            if path.ends_with("/refund") {
                paystream.post_without_key(&of_payment("/payments/{payment_id}/capture"), "").await.expect(200);
            }
            let answer = paystream.post(&of_payment(path), &body).await;
            assert_eq!(answer.status, 200, "{path}: {name}: {}", answer.body);
            sent += 1;
        }
    }
    assert!(sent >= 8, "only {sent} examples");
}

fn bodies(operation: &Value) -> Vec<(String, Value)> {
    let examples = operation["requestBody"]["content"]["application/json"]["examples"].as_object().unwrap();
    examples.iter().map(|(name, example)| (name.clone(), example["value"].clone())).collect()
}

#[tokio::test]
async fn what_a_payment_publishes_is_as_the_schema_of_its_type_says() {
    if skip_without(&[Need::Alone]) {
        return;
    }
    let paystream = Paystream::start().await;
    let schemas = EventSchemas::new();
    let payment = paystream.pay("ord-1", &paystream_tests::eur(1299), "tok_approve").await;
    let capture = format!("/payments/{}/capture", payment["payment_id"].as_str().unwrap());
    paystream.post_without_key(&capture, "").await.expect(200);
    paystream.pay("ord-2", &paystream_tests::eur(1299), "tok_decline_fraud").await;
    let events = paystream.events_on_stream(3).await;
    let types: std::collections::BTreeSet<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types.len(), 3, "{types:?}");
    for event in &events {
        assert_eq!(schemas.breaches(event), Vec::<String>::new(), "{event}");
    }
}

#[tokio::test]
async fn the_documents_and_the_reference_are_served() {
    if skip_without(&[Need::Documents]) {
        return;
    }
    let paystream = Paystream::start().await;
    for (path, file) in [
        ("/openapi/payments.json", "docs/api/openapi/payments.json"),
        ("/openapi/orders.json", "docs/api/openapi/orders.json"),
        ("/asyncapi.json", "docs/api/asyncapi.json"),
    ] {
        let answer = paystream.get(path).await;
        assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
        assert_eq!(answer.expect(200), document(file));
    }
    for path in ["/reference", "/reference/swagger-ui-bundle.js", "/reference/swagger-ui.css", "/reference/page.js"] {
        let answer = paystream.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self'"), "{path} may load from elsewhere: {policy}");
    }
}
