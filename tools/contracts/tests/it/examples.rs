//! Examples and links of the documents, checked against the documents.

use paystream_contracts::{Answered, Contract};
use serde_json::Value;

use crate::{orders, payments};

/// Returns all operations, each with its method, path and object.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

#[test]
fn every_example_of_a_request_is_valid() {
    for document in [payments(), orders()] {
        let contract = Contract::new(&document).unwrap();
        for (method, path, operation) in operations(&document) {
            let examples = &operation["requestBody"]["content"]["application/json"]["examples"];
            assert!(
                method == "GET" || examples.as_object().is_some_and(|shown| !shown.is_empty()),
                "{path} has no example of a body"
            );
            for (_, example) in examples.as_object().into_iter().flatten() {
                contract.takes(&method, &path, &example["value"]).unwrap();
            }
        }
    }
}

#[test]
fn every_example_of_a_response_is_valid() {
    for document in [payments(), orders()] {
        let contract = Contract::new(&document).unwrap();
        for (method, path, operation) in operations(&document) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let status: u16 = status.parse().unwrap();
                // A 304 has no body.
                assert!(response["content"].is_object() || status == 304, "{method} {path} {status} has no content");
                for (content_type, content) in response["content"].as_object().into_iter().flatten() {
                    let shown = content.get("example").into_iter();
                    let named =
                        content["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
                    let shown: Vec<_> = shown.chain(named).collect();
                    let by_gateway = status >= 400 && content_type == "application/json";
                    assert!(by_gateway || !shown.is_empty(), "{method} {path} {status} has no example");
                    for body in shown {
                        let mut headers = vec![("Content-Type", content_type.as_str())];
                        let required = required_headers(response);
                        headers.extend(required.iter().map(|(name, value)| (name.as_str(), value.as_str())));
                        contract.allows(&method, &path, Answered { status, headers: &headers, body }).unwrap();
                    }
                }
            }
        }
    }
}

/// Returns the required headers with their example values.
fn required_headers(response: &Value) -> Vec<(String, String)> {
    let headers = response["headers"].as_object().into_iter().flatten();
    let required = headers.filter(|(_, header)| header["required"] == true);
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    required.map(|(name, header)| (name.clone(), shown(&header["schema"]["examples"][0]))).collect()
}

#[test]
fn every_link_leads_to_an_operation_and_has_its_required_parameters() {
    for document in [payments(), orders()] {
        for (method, path, operation) in operations(&document) {
            for (_, response) in operation["responses"].as_object().unwrap() {
                for (name, link) in response["links"].as_object().into_iter().flatten() {
                    let target =
                        target(&document, link).unwrap_or_else(|| panic!("{method} {path}: {name} leads nowhere"));
                    let given = link["parameters"].as_object().unwrap();
                    for parameter in target["parameters"].as_array().unwrap() {
                        let named = parameter["name"].as_str().unwrap();
                        // The caller chooses the key.
                        let needed = parameter["required"] == true && named != "Idempotency-Key";
                        assert!(
                            !needed || given.contains_key(named),
                            "{method} {path}: {name} lacks the parameter {named}"
                        );
                    }
                }
            }
        }
    }
}

fn target(document: &Value, link: &Value) -> Option<Value> {
    if let Some(reference) = link["operationRef"].as_str() {
        let (file, pointer) = reference.split_once('#')?;
        let other = crate::document(&format!("docs/api/openapi/{}", file.strip_prefix("./")?));
        return other.pointer(pointer).cloned();
    }
    let found =
        operations(document).into_iter().find(|(_, _, operation)| operation["operationId"] == link["operationId"]);
    found.map(|(_, _, operation)| operation)
}
