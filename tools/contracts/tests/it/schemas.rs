//! Changes of single schemas, each of which breaks one direction and not the other.

use serde_json::{Value, json};

use crate::breaking::{changed, schema};
use crate::payments;

/// Adds a field with this schema to a request and to a response of the old document.
fn with(schema_was: &Value) -> Value {
    let mut document = payments();
    schema(&mut document, "PaymentBody")["properties"]["note"] = schema_was.clone();
    schema(&mut document, "Payment")["properties"]["note"] = schema_was.clone();
    document
}

/// Returns the breaking changes if a field's schema changes from `was` to `is`, first in a request, then in a response.
fn changes(was: &Value, is: &Value) -> [Vec<String>; 2] {
    let change = |name, part: &str| {
        let found = changed(&with(was), |new| schema(new, name)["properties"]["note"] = is.clone());
        assert!(found.iter().all(|change| change.contains(part)), "{found:?}");
        found
    };
    [change("PaymentBody", "POST /payments: body/note"), change("Payment", "/note")]
}

/// Asserts that `narrow` allows less than `wide`: narrowing breaks requests only, widening breaks responses only.
#[track_caller]
fn narrows(wide: &Value, narrow: &Value) {
    let ([request, answer], [wider_request, wider_answer]) = (changes(wide, narrow), changes(narrow, wide));
    assert_ne!(request, Vec::<String>::new(), "{wide} became {narrow} in a request, and nothing is reported");
    assert_eq!(wider_request, Vec::<String>::new(), "{narrow} became {wide} in a request");
    assert_eq!(answer, Vec::<String>::new(), "{wide} became {narrow} in a response");
    assert_ne!(wider_answer, Vec::<String>::new(), "{narrow} became {wide} in a response, and nothing is reported");
}

/// Asserts that the change breaks both requests and responses.
#[track_caller]
fn breaks(was: &Value, is: &Value) {
    for found in changes(was, is) {
        assert_ne!(found, Vec::<String>::new(), "{was} became {is}, and nothing is reported");
    }
}

/// Asserts that both schemas are equivalent.
#[track_caller]
fn same(one: &Value, other: &Value) {
    for (was, is) in [(one, other), (other, one)] {
        assert_eq!(changes(was, is), [Vec::<String>::new(), Vec::new()], "{was} became {is}");
    }
}

#[test]
fn a_new_keyword_narrows() {
    let objects = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    for (wide, keyword, value) in [
        (json!({ "type": "integer" }), "multipleOf", json!(5)),
        (json!({ "type": "integer" }), "exclusiveMaximum", json!(5)),
        (json!({ "type": "integer" }), "exclusiveMinimum", json!(5)),
        (json!({ "type": "integer" }), "minimum", json!(10.0)),
        (json!({ "type": "integer" }), "maximum", json!(10.5)),
        (json!({ "type": "array" }), "uniqueItems", json!(true)),
        (json!({ "type": "array" }), "items", json!({ "type": "string" })),
        (json!({ "type": "array" }), "contains", json!({ "type": "string" })),
        (json!({ "type": "string" }), "pattern", json!("^a")),
        (objects.clone(), "dependentRequired", json!({ "a": ["b"] })),
        (objects.clone(), "propertyNames", json!({ "maxLength": 5 })),
        (objects.clone(), "required", json!(["a"])),
        (objects.clone(), "anyOf", json!([{ "required": ["a"] }])),
        (objects.clone(), "oneOf", json!([{ "required": ["a"] }, { "required": ["b"] }])),
        (objects, "additionalProperties", json!({ "type": "string" })),
    ] {
        let mut narrow = wide.clone();
        narrow[keyword] = value;
        narrows(&wide, &narrow);
    }
}

#[test]
fn keywords_beside_a_reference_count() {
    for name in ["OrderId", "Currency"] {
        let reference = format!("#/components/schemas/{name}");
        let alone = json!({ "$ref": reference });
        narrows(&alone, &json!({ "$ref": reference, "maxLength": 2 }));
        narrows(&alone, &json!({ "$ref": reference, "pattern": "^E" }));
        same(&alone, &json!({ "$ref": reference, "description": "A code.", "examples": ["EUR"] }));
        same(&alone, &json!({ "allOf": [alone] }));
        same(&alone, &json!({ "anyOf": [alone] }));
    }
    let order_id = json!({ "$ref": "#/components/schemas/OrderId" });
    narrows(&order_id, &json!({ "allOf": [order_id, { "minLength": 5 }] }));
    let mut only = order_id.clone();
    only["enum"] = json!(["a", "b"]);
    narrows(&order_id, &only);
    breaks(&json!({ "not": order_id }), &json!({ "not": { "type": "string" } }));
}

#[test]
fn bounds_are_compared_by_value() {
    narrows(&json!({ "minimum": 10.0 }), &json!({ "minimum": 10.5 }));
    narrows(&json!({ "maximum": 11 }), &json!({ "maximum": 10.5 }));
    same(&json!({ "minimum": 10 }), &json!({ "minimum": 10.0 }));
}

#[test]
fn alternatives_must_allow_what_was_allowed_before() {
    let one_of = |alternatives: Value| json!({ "oneOf": alternatives });
    let (text, integer, nothing) =
        (json!({ "type": "string" }), json!({ "type": "integer" }), json!({ "type": "null" }));
    let (a, b) = (json!({ "const": "a" }), json!({ "const": "b" }));
    breaks(&text, &one_of(json!([integer])));
    breaks(&one_of(json!([text])), &integer);
    breaks(&json!({ "type": "string", "enum": ["a", "b"] }), &one_of(json!([a])));
    narrows(&text, &one_of(json!([a, b])));
    narrows(&json!({ "type": "number" }), &integer);
    same(&json!({ "type": "string", "enum": ["a", "b"] }), &one_of(json!([a, b])));
    same(&json!({ "type": ["string", "integer"] }), &one_of(json!([text, integer])));
    same(&integer, &one_of(json!([integer])));
    // Allowed in a request, but unexpected for a client in a response.
    let [request, answer] = changes(&one_of(json!([text, integer])), &one_of(json!([text, integer, nothing])));
    assert_eq!((request.len(), answer.is_empty()), (0, false), "{request:?} {answer:?}");
}

/// Like a new value of an enumeration: the same member distinguishes the new alternative.
#[test]
fn an_alternative_like_the_old_ones_may_be_added() {
    let state = |name: &str| {
        let state = json!({ "type": "string", "const": name });
        json!({ "type": "object", "properties": { "state": state }, "required": ["state"] })
    };
    let was = json!({ "oneOf": [state("open"), state("closed")] });
    let added = |alternative: Value| json!({ "oneOf": [state("open"), state("closed"), alternative] });
    assert_eq!(changes(&was, &added(state("paused"))), [Vec::<String>::new(), Vec::new()]);
    let [request, answer] = changes(&was, &added(json!({ "type": "object" })));
    assert_eq!((request.len(), answer.is_empty()), (0, false), "{request:?} {answer:?}");
}

#[test]
fn annotations_break_nothing() {
    let annotated = json!({ "type": "string", "title": "A", "examples": ["a"], "deprecated": true, "x-order": 1 });
    same(&json!({ "type": "string" }), &annotated);
}

#[test]
fn authorization_schemes_may_be_added_and_not_removed() {
    let added = changed(&payments(), |new| {
        new["components"]["securitySchemes"]["other"] = json!({ "type": "http", "scheme": "basic" });
        new["security"].as_array_mut().unwrap().push(json!({ "other": [] }));
    });
    assert_eq!(added, Vec::<String>::new());
    let removed = changed(&payments(), |new| {
        new["security"].as_array_mut().unwrap().remove(0);
    });
    let expected = "GET /payments no longer accepts callers with sigv4".to_owned();
    assert!(removed.contains(&expected), "{removed:?}");
}
