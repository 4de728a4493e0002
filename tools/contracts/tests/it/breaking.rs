//! Made-up changes of the real documents: those that break somebody are named, and those that add something pass.

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

/// Where schemas are in a document.
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
    assert!(found.iter().any(|told| told == expected), "{expected:?} is not among {found:#?}");
}

#[test]
fn the_same_contract_breaks_nobody() {
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
    names(&found, "GET /payments/{payment_id}: answer 200/captured_minor was removed");
    names(&found, "GET /payments: answer 200/payments/*/captured_minor was removed");

    let found = changed(&payments(), |new| remove(&mut schema(new, "Method")["properties"], "token"));
    names(&found, "POST /payments: body/method/token was removed");

    let found = changed(&payments(), |new| schema(new, "Payment")["properties"]["version"]["type"] = json!("string"));
    names(&found, "POST /payments: answer 201/version was integer and is string");

    let found = changed(&orders(), |new| schema(new, "Quantity")["type"] = json!("number"));
    names(&found, "POST /orders: answer 201/lines/*/quantity was integer and is number");

    let found = changed(&payments(), |new| schema(new, "OrderId")["pattern"] = json!("^ord-"));
    names(&found, "POST /payments: body/order_id has another pattern");
}

#[test]
fn a_request_that_must_say_more_is_named() {
    let found = changed(&payments(), |new| {
        let body = schema(new, "PaymentBody");
        body["properties"]["tip"] = json!({ "type": "integer" });
        add_value(&mut body["required"], "tip");
    });
    assert_eq!(found, ["POST /payments: body/tip became required"]);

    let found = changed(&orders(), |new| schema(new, "OrderBody")["properties"]["lines"]["maxItems"] = json!(50));
    names(&found, "POST /orders: body/lines had the maxItems 100 and has 50");

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
fn an_enumeration_that_has_fewer_values_is_named() {
    let found = changed(&payments(), |new| remove_value(&mut schema(new, "Currency")["enum"], "EUR"));
    names(&found, "POST /payments: body/amount/currency has the value \"EUR\" no more");
    let found = changed(&orders(), |new| remove_value(&mut schema(new, "OrderStatus")["enum"], "on_hold"));
    names(&found, "GET /orders/{order_id}: answer 200/status has the value \"on_hold\" no more");
    let found = changed(&orders(), |new| {
        schema(new, "Fulfilment")["oneOf"].as_array_mut().unwrap().remove(0);
    });
    names(&found, "GET /orders/{order_id}: answer 200/fulfilment/status has the value \"not_started\" no more");
}

#[test]
fn an_operation_an_answer_or_a_header_that_is_removed_is_named() {
    let found = changed(&payments(), |new| remove(&mut new["paths"], "/payments/{payment_id}/void"));
    assert_eq!(found, ["POST /payments/{payment_id}/void was removed"]);
    let found = changed(&orders(), |new| remove(&mut new["paths"]["/orders"]["post"]["responses"], "202"));
    assert_eq!(found, ["POST /orders answers 202 no more"]);
    let found = changed(&payments(), |new| {
        remove(&mut new["paths"]["/payments"]["post"]["responses"]["201"]["headers"], "Location");
    });
    assert_eq!(found, ["POST /payments: answer 201, header Location was removed"]);
    let found = changed(&payments(), |new| {
        let kinds = &mut new["paths"]["/payments"]["post"]["responses"]["409"]["content"]["application/problem+json"];
        remove_value(&mut kinds["schema"]["properties"]["type"]["enum"], "/problems/payment-in-progress");
    });
    let kind = "\"/problems/payment-in-progress\"";
    assert_eq!(found, [format!("POST /payments: answer 409/type has the value {kind} no more")]);
}

#[test]
fn an_event_type_that_is_removed_or_changed_is_named() {
    let stream = document("docs/api/asyncapi.json");
    let found = changed(&stream, |new| remove(&mut new["channels"]["paymentEvents"]["messages"], "payment.voided.v1"));
    assert_eq!(found, ["event type payment.voided.v1 was removed"]);
    let found = changed(&stream, |new| remove_value(&mut schema(new, "PaymentInfo")["required"], "order_id"));
    names(&found, "event type payment.captured.v1/data/order_id may be missing now");
    let found = changed(&stream, |new| schema(new, "PaymentInfo")["properties"]["version"]["type"] = json!("string"));
    names(&found, "event type payment.captured.v1/data/version was integer and is string");
    let found = changed(&stream, |new| {
        new["channels"]["paymentEvents"]["x-kinesis"]["partitionKey"] = json!("$message.payload#/data/payment_id");
    });
    assert_eq!(found, ["channel paymentEvents has another partition key: what was in order is so no more"]);
    let found = changed(&stream, |new| {
        let channel = &mut new["channels"]["paymentEvents"];
        channel["address"] = json!("payments");
        channel["x-kinesis"]["aggregated"] = json!(true);
        remove(&mut channel["x-kinesis"], "recordsPerEvent");
    });
    let kinesis =
        |member, before| format!("channel paymentEvents had {before} as {member} of x-kinesis and has another");
    let address = "channel paymentEvents is not at \"{stream}\" any more".to_owned();
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
    names(&found, &format!("operation publishPayment has {message} no more"));

    let event = document("docs/api/events/payment.captured.v1.schema.json");
    let found = changed(&event, |new| remove(&mut new["properties"], "subject"));
    assert_eq!(found, ["the event/subject was removed"]);
}

#[test]
fn what_only_adds_passes() {
    let payments_changes: [(&str, Change); 7] = [
        ("a field of an answer", |new| {
            schema(new, "Payment")["properties"]["loyalty_points"] = json!({ "type": "integer" });
            add_value(&mut schema(new, "Payment")["required"], "loyalty_points");
        }),
        ("a field of a request that may be left out", |new| {
            schema(new, "PaymentBody")["properties"]["note"] = json!({ "type": "string" });
        }),
        ("a value of an enumeration", |new| {
            add_value(&mut schema(new, "Currency")["enum"], "XXX");
            add_value(&mut schema(new, "Status")["enum"], "disputed");
        }),
        ("an operation", |new| new["paths"]["/payments/{payment_id}/dispute"] = json!({ "post": {} })),
        ("an answer", |new| new["paths"]["/payments"]["post"]["responses"]["202"] = json!({ "description": "Later." })),
        ("a parameter that may be left out", |new| {
            let parameter =
                json!({ "name": "limit", "in": "query", "required": false, "schema": { "type": "integer" } });
            new["paths"]["/payments"]["get"]["parameters"].as_array_mut().unwrap().push(parameter);
        }),
        ("other words", |new| schema(new, "Payment")["description"] = json!("A payment.")),
    ];
    for (what, change) in payments_changes {
        assert_eq!(changed(&payments(), change), Vec::<String>::new(), "{what}");
    }
    let wider = changed(&orders(), |new| schema(new, "OrderBody")["properties"]["lines"]["maxItems"] = json!(200));
    assert_eq!(wider, Vec::<String>::new(), "more lines");

    let stream_changes: [(&str, Change); 4] = [
        ("an operation", |new| new["operations"]["more"] = json!({ "action": "send" })),
        ("more on how events lie in records", |new| {
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
