//! `OpenAPI` links, followed from a payment to its capture, its refund and its order. Fuzzing follows them, too, but
//! mostly from payments that were declined or have changed.

use paystream_tests::{Answer, Paystream, eur, payment_body};
use serde_json::Value;

use crate::contracts::document;

struct Documents([(&'static str, Value); 2]);

impl Documents {
    fn new() -> Self {
        Self(["payments", "orders"].map(|api| (api, document(&format!("docs/api/openapi/{api}.json")))))
    }

    /// Method, path and operation object for an operation id.
    fn operation(&self, id: &str) -> (String, String, &Value) {
        let paths = self.0.iter().flat_map(|(_, api)| api["paths"].as_object().unwrap());
        let mut all = paths.flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |said| (path, said)));
        let (path, (method, said)) = all.find(|(_, (_, said))| said["operationId"] == id).unwrap();
        (method.to_uppercase(), path.clone(), said)
    }

    fn target(&self, link: &Value) -> (String, String, &Value) {
        if let Some(id) = link["operationId"].as_str() {
            return self.operation(id);
        }
        let (file, pointer) = link["operationRef"].as_str().unwrap().split_once('#').unwrap();
        let (_, api) = self.0.iter().find(|(name, _)| file == format!("./{name}.json")).unwrap();
        self.operation(api.pointer(pointer).unwrap()["operationId"].as_str().unwrap())
    }

    /// Follows link `name` of a response to the operation `from`, and returns the response of the linked operation.
    async fn follow(&self, paystream: &Paystream, from: &str, answer: &Answer, name: &str) -> Answer {
        let (_, _, said) = self.operation(from);
        let link = &said["responses"][answer.status.as_str()]["links"][name];
        let (method, mut path, said) = self.target(link);
        let key = paystream.name("key");
        let mut headers =
            vec![("Idempotency-Key".to_owned(), key), ("Content-Type".to_owned(), "application/json".into())];
        for (parameter, expression) in link["parameters"].as_object().unwrap() {
            let value = evaluated(expression, answer).as_str().unwrap().to_owned();
            let known = said["parameters"].as_array().unwrap().iter().find(|known| known["name"] == **parameter);
            match known.unwrap()["in"].as_str().unwrap() {
                "path" => path = path.replace(&format!("{{{parameter}}}"), &value),
                "query" => path = format!("{path}?{parameter}={value}"),
                _ => headers.push((parameter.clone(), value)),
            }
        }
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = link.get("requestBody").map(|body| evaluated(body, answer).to_string()).unwrap_or_default();
        paystream.request(&method, &path, &headers, &body).await
    }
}

/// A value with its runtime expressions evaluated. Supports the kinds of expressions that the documents use.
fn evaluated(value: &Value, answer: &Answer) -> Value {
    match value {
        Value::String(text) => match (text.strip_prefix("$response.body#"), text.strip_prefix("$response.header.")) {
            (Some(pointer), _) => answer.body.pointer(pointer).unwrap().clone(),
            (_, Some(header)) => answer.headers[header].to_str().unwrap().into(),
            _ => value.clone(),
        },
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), evaluated(member, answer))).collect()
        }
        Value::Array(values) => values.iter().map(|value| evaluated(value, answer)).collect(),
        _ => value.clone(),
    }
}

#[tokio::test]
async fn the_links_lead_from_a_payment_to_its_order_its_capture_and_its_refund() {
    let (paystream, documents) = (Paystream::of_target().await, Documents::new());
    let order_id = paystream.name("ord");
    let body = payment_body(&order_id, &eur(1299), "tok_approve");
    let paid = paystream.post("/payments", &body).await;
    paystream.payment_arrives(&order_id, &paid.body).await;

    let placed = documents.follow(&paystream, "acceptPayment", &paid, "placeOrder").await;
    assert_eq!(placed.body["status"], "accepted", "{}", placed.body);
    for name in ["getOrder", "getOrderPayments", "listPayments", "getPayment"] {
        documents.follow(&paystream, "acceptPayment", &paid, name).await.expect(200);
    }
    for name in ["getOrder", "getOrderPayments"] {
        documents.follow(&paystream, "placeOrder", &placed, name).await.expect(200);
    }
    let captured = documents.follow(&paystream, "acceptPayment", &paid, "capturePayment").await;
    assert_eq!(captured.body["captured_minor"], 1299, "{}", captured.body);
    let refunded = documents.follow(&paystream, "capturePayment", &captured, "refundPayment").await.expect(200);
    assert_eq!(refunded["status"], "refunded");

    let other = paystream.post("/payments", &body).await;
    let voided = documents.follow(&paystream, "acceptPayment", &other, "voidPayment").await.expect(200);
    assert_eq!(voided["status"], "voided");
}
