//! Conformance to the API documents: every operation accepts its examples, and events match their schemas. The harness
//! checks every response against the documents.

use std::collections::BTreeSet;

use paystream_contracts::{EventSchemas, repository};
use paystream_tests::{Need, Paystream, skip_without};
use serde_json::Value;

pub(crate) fn document(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(repository().join(path)).unwrap()).unwrap()
}

#[tokio::test]
async fn every_documented_operation_accepts_each_of_its_examples() {
    let paystream = Paystream::of_target().await;
    let documents = [document("docs/api/openapi/payments.json"), document("docs/api/openapi/orders.json")];
    let operations = || documents.iter().flat_map(|api| operations(api).map(move |operation| (api, operation)));
    let mut sent = BTreeSet::new();
    // POST first, so that GET finds what was created.
    for wanted in ["post", "get"] {
        for (api, Operation { method, path, said }) in operations().filter(|(_, operation)| operation.method == wanted)
        {
            for body in bodies(said) {
                let path = filled(&paystream, api, path, said).await;
                let answer = match body {
                    Some(body) => paystream.post(&path, body).await,
                    None => paystream.get(&path).await,
                };
                assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.body);
                sent.insert(said["operationId"].as_str().unwrap());
            }
        }
    }
    let documented = operations().map(|(_, operation)| operation.said["operationId"].as_str().unwrap());
    assert_eq!(sent, documented.collect(), "operations sent, and operations documented");
}

struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    said: &'a Value,
}

fn operations(api: &Value) -> impl Iterator<Item = Operation<'_>> {
    let items = api["paths"].as_object().unwrap().iter();
    items.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, said)| Operation { method, path, said })
    })
}

/// The example bodies of an operation, or a single `None` if it takes no body.
fn bodies(said: &Value) -> Vec<Option<&Value>> {
    match said.get("requestBody") {
        None => vec![None],
        Some(body) => {
            let examples = body["content"]["application/json"]["examples"].as_object().unwrap();
            examples.values().map(|example| Some(&example["value"])).collect()
        }
    }
}

/// The path with each required parameter set to its example, and `payment_id` to a new payment that the operation
/// accepts.
async fn filled(paystream: &Paystream, api: &Value, path: &str, said: &Value) -> String {
    let mut filled = path.to_owned();
    let needed = said["parameters"].as_array().unwrap().iter().filter(|parameter| parameter["required"] == true);
    for parameter in needed.filter(|parameter| parameter["in"] != "header") {
        let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
        let value = if name == "payment_id" {
            payment_for(paystream, said["operationId"].as_str().unwrap()).await
        } else {
            let pointer = schema["$ref"].as_str().map(|reference| reference.trim_start_matches('#'));
            let schema = pointer.map_or(schema, |pointer| api.pointer(pointer).unwrap());
            schema["examples"][0].as_str().unwrap().to_owned()
        };
        filled = match parameter["in"].as_str().unwrap() {
            "path" => filled.replace(&format!("{{{name}}}"), &value),
            _ => format!("{filled}?{name}={value}"),
        };
    }
    filled
}

/// Creates a payment in a state that the operation accepts, and returns its id.
async fn payment_for(paystream: &Paystream, operation: &str) -> String {
    let payment = paystream.pay(&paystream.name("ord"), &paystream_tests::eur(1299), "tok_approve").await;
    let payment_id = payment["payment_id"].as_str().unwrap().to_owned();
    if operation == "refundPayment" {
        paystream.post_without_key(&format!("/payments/{payment_id}/capture"), "").await.expect(200);
    }
    payment_id
}

#[tokio::test]
async fn published_events_match_the_schema_of_their_type() {
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
    let types: BTreeSet<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
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
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.expect(200), document(file));
    }
    for path in ["/reference", "/reference/swagger-ui-bundle.js", "/reference/swagger-ui.css", "/reference/page.js"] {
        let answer = paystream.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self'"), "{path} may load from elsewhere: {policy}");
    }
}
