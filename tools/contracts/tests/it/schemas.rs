//! Made-up changes of single schemas: each breaks somebody in the one direction and nobody in the other.

use serde_json::{Value, json};

use crate::breaking::{changed, schema};
use crate::payments;

/// A member of a request and one of an answer, of the same schema in the old document.
fn with(schema_was: &Value) -> Value {
    let mut document = payments();
    schema(&mut document, "PaymentBody")["properties"]["note"] = schema_was.clone();
    schema(&mut document, "Payment")["properties"]["note"] = schema_was.clone();
    document
}

/// What is told where what was `was` in a request, and then in an answer, is `is`.
fn told(was: &Value, is: &Value) -> [Vec<String>; 2] {
    let told = |name, part: &str| {
        let found = changed(&with(was), |new| schema(new, name)["properties"]["note"] = is.clone());
        assert!(found.iter().all(|told| told.contains(part)), "{found:?}");
        found
    };
    [told("PaymentBody", "POST /payments: body/note"), told("Payment", "/note")]
}

/// Holds that the second takes less than the first: in requests it breaks who sends the first, in answers nobody; and the other
/// way round.
#[track_caller]
fn narrows(wide: &Value, narrow: &Value) {
    let ([request, answer], [wider_request, wider_answer]) = (told(wide, narrow), told(narrow, wide));
    assert_ne!(request, Vec::<String>::new(), "{wide} became {narrow} in a request, and nothing is told");
    assert_eq!(wider_request, Vec::<String>::new(), "{narrow} became {wide} in a request");
    assert_eq!(answer, Vec::<String>::new(), "{wide} became {narrow} in an answer");
    assert_ne!(wider_answer, Vec::<String>::new(), "{narrow} became {wide} in an answer, and nothing is told");
}

/// Holds that the second breaks somebody wherever it takes the place of the first.
#[track_caller]
fn breaks(was: &Value, is: &Value) {
    for found in told(was, is) {
        assert_ne!(found, Vec::<String>::new(), "{was} became {is}, and nothing is told");
    }
}

/// Holds that both say the same.
#[track_caller]
fn same(one: &Value, other: &Value) {
    for (was, is) in [(one, other), (other, one)] {
        assert_eq!(told(was, is), [Vec::<String>::new(), Vec::new()], "{was} became {is}");
    }
}

#[test]
fn a_keyword_that_is_new_takes_less() {
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
fn what_stands_beside_a_reference_counts() {
    for name in ["OrderId", "Currency"] {
        let reference = format!("#/components/schemas/{name}");
        let alone = json!({ "$ref": reference });
        narrows(&alone, &json!({ "$ref": reference, "maxLength": 2 }));
        narrows(&alone, &json!({ "$ref": reference, "pattern": "^E" }));
        same(&alone, &json!({ "$ref": reference, "description": "Which.", "examples": ["EUR"] }));
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
fn bounds_are_compared_however_they_are_written() {
    narrows(&json!({ "minimum": 10.0 }), &json!({ "minimum": 10.5 }));
    narrows(&json!({ "maximum": 11 }), &json!({ "maximum": 10.5 }));
    same(&json!({ "minimum": 10 }), &json!({ "minimum": 10.0 }));
}

#[test]
fn alternatives_must_take_what_was_taken_before() {
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
    // More in a request; what a client does not expect in an answer.
    let [request, answer] = told(&one_of(json!([text, integer])), &one_of(json!([text, integer, nothing])));
    assert_eq!((request.len(), answer.is_empty()), (0, false), "{request:?} {answer:?}");
}

/// As a value of an enumeration may: it is told apart by the same member.
#[test]
fn an_alternative_like_those_that_were_may_be_added() {
    let state = |name: &str| {
        let state = json!({ "type": "string", "const": name });
        json!({ "type": "object", "properties": { "state": state }, "required": ["state"] })
    };
    let was = json!({ "oneOf": [state("open"), state("closed")] });
    let added = |alternative: Value| json!({ "oneOf": [state("open"), state("closed"), alternative] });
    assert_eq!(told(&was, &added(state("paused"))), [Vec::<String>::new(), Vec::new()]);
    let [request, answer] = told(&was, &added(json!({ "type": "object" })));
    assert_eq!((request.len(), answer.is_empty()), (0, false), "{request:?} {answer:?}");
}

#[test]
fn annotations_break_nobody() {
    let said = json!({ "type": "string", "title": "A", "examples": ["a"], "deprecated": true, "x-order": 1 });
    same(&json!({ "type": "string" }), &said);
}

#[test]
fn ways_of_authorizing_may_be_added_and_not_removed() {
    let added = changed(&payments(), |new| {
        new["components"]["securitySchemes"]["other"] = json!({ "type": "http", "scheme": "basic" });
        new["security"].as_array_mut().unwrap().push(json!({ "other": [] }));
    });
    assert_eq!(added, Vec::<String>::new());
    let removed = changed(&payments(), |new| {
        new["security"].as_array_mut().unwrap().remove(0);
    });
    let told = "GET /payments is not open to who is authorized by sigv4 any more".to_owned();
    assert!(removed.contains(&told), "{removed:?}");
}
