//! Changes to the real documents: breaking changes are named, and additions pass.

use paystream_contracts::compatibility::breaking;
use serde_json::{Value, json};

use crate::{document, orders, payments};

/// A change of a document.
pub(crate) type Change = fn(&mut Value);

pub(crate) fn changed(document: &Value, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut new = document.clone();
    change(&mut new);
    assert_ne!(&new, document, "nothing was changed");
    breaking(document, &new).iter().map(ToString::to_string).collect()
}

/// Returns a schema of a document.
pub(crate) fn schema<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
    document.pointer_mut(&format!("/components/schemas/{name}")).unwrap_or_else(|| panic!("no schema {name}"))
}

pub(crate) fn remove(value: &mut Value, member: &str) {
    value.as_object_mut().unwrap().remove(member).unwrap_or_else(|| panic!("no member {member}"));
}

fn remove_value(values: &mut Value, value: &str) {
    values.as_array_mut().unwrap().retain(|found| found != value);
}

fn add_value(values: &mut Value, value: &str) {
    values.as_array_mut().unwrap().push(json!(value));
}

#[track_caller]
pub(crate) fn names(found: &[String], expected: &str) {
    assert!(found.iter().any(|change| change == expected), "{expected:?} is not among {found:#?}");
}

#[test]
fn an_unchanged_contract_breaks_nothing() {
    for document in [payments(), orders(), document("docs/api/asyncapi.json")] {
        assert_eq!(breaking(&document, &document), vec![]);
    }
}

#[test]
fn a_field_that_is_removed_or_retyped_is_named() {
    let found = changed(&payments(), |new| {
        let payment = schema(new, "Payment");
        remove(&mut payment["properties"], "captured_minor");
        remove_value(&mut payment["required"], "captured_minor");
    });
    names(&found, "GET /payments/{payment_id}: response 200/captured_minor was removed");
    names(&found, "GET /payments: response 200/payments/*/captured_minor was removed");

    let found = changed(&payments(), |new| remove(&mut schema(new, "Method")["properties"], "token"));
    names(&found, "POST /payments: body/method/token was removed");

    let found = changed(&payments(), |new| schema(new, "Payment")["properties"]["version"]["type"] = json!("string"));
    names(&found, "POST /payments: response 201/version changed from integer to string");

    let found = changed(&orders(), |new| schema(new, "Quantity")["type"] = json!("number"));
    names(&found, "POST /orders: response 201/lines/*/quantity changed from integer to number");

    let found = changed(&payments(), |new| schema(new, "OrderId")["pattern"] = json!("^ord-"));
    names(&found, "POST /payments: body/order_id has another pattern");
}

#[test]
fn a_request_that_requires_more_is_named() {
    let found = changed(&payments(), |new| {
        let body = schema(new, "PaymentBody");
        body["properties"]["tip"] = json!({ "type": "integer" });
        add_value(&mut body["required"], "tip");
    });
    assert_eq!(found, ["POST /payments: body/tip became required"]);

    let found = changed(&orders(), |new| schema(new, "OrderBody")["properties"]["lines"]["maxItems"] = json!(50));
    names(&found, "POST /orders: body/lines changed maxItems from 100 to 50");

    let found = changed(&payments(), |new| {
        let capture = &mut new["paths"]["/payments/{payment_id}/capture"]["post"];
        capture["requestBody"]["required"] = json!(true);
        capture["parameters"][1]["required"] = json!(true);
    });
    let capture = "POST /payments/{payment_id}/capture";
    assert_eq!(
        found,
        [format!("{capture}: parameter Idempotency-Key became required"), format!("{capture}: body became required"),]
    );

    let found = changed(&payments(), |new| {
        let parameter = json!({ "name": "currency", "in": "query", "required": true, "schema": { "type": "string" } });
        new["paths"]["/payments"]["get"]["parameters"].as_array_mut().unwrap().push(parameter);
    });
    assert_eq!(found, ["GET /payments: parameter currency is new and required"]);
}

#[test]
fn a_value_that_is_removed_from_an_enumeration_is_named() {
    let found = changed(&payments(), |new| remove_value(&mut schema(new, "Currency")["enum"], "EUR"));
    names(&found, "POST /payments/{payment_id}/capture: body/amount/currency no longer has the value \"EUR\"");
    let found = changed(&orders(), |new| remove_value(&mut schema(new, "OrderStatus")["enum"], "on_hold"));
    names(&found, "GET /orders/{order_id}: response 200/status no longer has the value \"on_hold\"");
    let found = changed(&orders(), |new| {
        schema(new, "Fulfilment")["oneOf"].as_array_mut().unwrap().remove(0);
    });
    names(&found, "GET /orders/{order_id}: response 200/fulfilment/status no longer has the value \"not_started\"");
}

#[test]
fn an_operation_a_response_or_a_header_that_is_removed_is_named() {
    let found = changed(&payments(), |new| remove(&mut new["paths"], "/payments/{payment_id}/void"));
    assert_eq!(found, ["POST /payments/{payment_id}/void was removed"]);
    let found = changed(&orders(), |new| remove(&mut new["paths"]["/orders"]["post"]["responses"], "202"));
    assert_eq!(found, ["POST /orders no longer responds 202"]);
    let found = changed(&payments(), |new| {
        remove(&mut new["paths"]["/payments"]["post"]["responses"]["201"]["headers"], "Location");
    });
    assert_eq!(found, ["POST /payments: response 201, header Location was removed"]);
    let found = changed(&payments(), |new| {
        let kinds = &mut new["paths"]["/payments"]["post"]["responses"]["409"]["content"]["application/problem+json"];
        remove_value(
            &mut kinds["schema"]["properties"]["type"]["enum"],
            "https://paystream.example/problems/payment-in-progress",
        );
    });
    let kind = "\"https://paystream.example/problems/payment-in-progress\"";
    assert_eq!(found, [format!("POST /payments: response 409/type no longer has the value {kind}")]);
}

#[test]
fn an_event_type_that_is_removed_or_changed_is_named() {
    let stream = document("docs/api/asyncapi.json");
    let found = changed(&stream, |new| remove(&mut new["channels"]["paymentEvents"]["messages"], "payment.voided.v1"));
    assert_eq!(found, ["event type payment.voided.v1 was removed"]);
    let found = changed(&stream, |new| remove_value(&mut schema(new, "PaymentInfo")["required"], "order_id"));
    names(&found, "event type payment.captured.v1/data/order_id may now be missing");
    let found = changed(&stream, |new| schema(new, "PaymentInfo")["properties"]["version"]["type"] = json!("string"));
    names(&found, "event type payment.captured.v1/data/version changed from integer to string");
    let found = changed(&stream, |new| {
        new["channels"]["paymentEvents"]["x-kinesis"]["partitionKey"] = json!("$message.payload#/data/payment_id");
    });
    assert_eq!(found, ["channel paymentEvents has another partition key, which changes the order of events"]);
    let found = changed(&stream, |new| {
        let channel = &mut new["channels"]["paymentEvents"];
        channel["address"] = json!("payments");
        channel["x-kinesis"]["aggregated"] = json!(true);
        remove(&mut channel["x-kinesis"], "recordsPerEvent");
    });
    let kinesis =
        |member, before| format!("channel paymentEvents has another {member} in x-kinesis, which was {before}");
    let address = "channel paymentEvents is no longer at \"{stream}\"".to_owned();
    assert_eq!(found, [address, kinesis("aggregated", "false"), kinesis("recordsPerEvent", "1")]);
    let found = changed(&stream, |new| remove(&mut new["operations"], "publishPayment"));
    assert_eq!(found, ["operation publishPayment was removed"]);
    let found = changed(&stream, |new| {
        let operation = &mut new["operations"]["publishPayment"];
        operation["action"] = json!("receive");
        operation["messages"].as_array_mut().unwrap().remove(0);
    });
    names(&found, "operation publishPayment has another action");
    let message = "\"#/channels/paymentEvents/messages/payment.authorized.v1\"";
    names(&found, &format!("operation publishPayment no longer has {message}"));

    let event = document("docs/api/events/payment.captured.v1.schema.json");
    let found = changed(&event, |new| remove(&mut new["properties"], "subject"));
    assert_eq!(found, ["the event/subject was removed"]);
}

#[test]
fn additions_pass() {
    let payments_changes: [(&str, Change); 7] = [
        ("a field of a response", |new| {
            schema(new, "Payment")["properties"]["loyalty_points"] = json!({ "type": "integer" });
            add_value(&mut schema(new, "Payment")["required"], "loyalty_points");
        }),
        ("an optional field of a request", |new| {
            schema(new, "PaymentBody")["properties"]["note"] = json!({ "type": "string" });
        }),
        ("a value of an enumeration", |new| {
            add_value(&mut schema(new, "Currency")["enum"], "XXX");
            add_value(&mut schema(new, "Status")["enum"], "disputed");
        }),
        ("an operation", |new| new["paths"]["/payments/{payment_id}/dispute"] = json!({ "post": {} })),
        ("a response", |new| {
            new["paths"]["/payments"]["post"]["responses"]["202"] = json!({ "description": "Later." });
        }),
        ("an optional parameter", |new| {
            let parameter =
                json!({ "name": "limit", "in": "query", "required": false, "schema": { "type": "integer" } });
            new["paths"]["/payments"]["get"]["parameters"].as_array_mut().unwrap().push(parameter);
        }),
        ("another description", |new| schema(new, "Payment")["description"] = json!("A payment.")),
    ];
    for (what, change) in payments_changes {
        assert_eq!(changed(&payments(), change), Vec::<String>::new(), "{what}");
    }
    let wider = changed(&orders(), |new| schema(new, "OrderBody")["properties"]["lines"]["maxItems"] = json!(200));
    assert_eq!(wider, Vec::<String>::new(), "more lines");

    let stream_changes: [(&str, Change); 4] = [
        ("an operation", |new| new["operations"]["more"] = json!({ "action": "send" })),
        ("another detail of how events are stored in records", |new| {
            new["channels"]["paymentEvents"]["x-kinesis"]["compressed"] = json!(false);
        }),
        ("an event type", |new| {
            new["channels"]["paymentEvents"]["messages"]["payment.disputed.v1"] = json!({ "payload": {} });
        }),
        ("a field of an event", |new| {
            schema(new, "PaymentInfo")["properties"]["loyalty_points"] = json!({ "type": "integer" });
        }),
    ];
    for (what, change) in stream_changes {
        assert_eq!(changed(&document("docs/api/asyncapi.json"), change), Vec::<String>::new(), "{what}");
    }
}
