use serde_json::{Value, json};

use super::*;

fn kinesis(pattern: &Value) -> Result<Filters, InvalidPattern> {
    let mut filters = Filters::new(RecordKind::Kinesis);
    filters.add(&pattern.to_string()).map(|()| filters)
}

/// Returns a Kinesis record with this data.
fn record(data: &str) -> String {
    let data = STANDARD.encode(data);
    json!({"kinesis": {"partitionKey": "ord-1", "sequenceNumber": "7", "data": data}, "eventName": "aws:kinesis:record"})
        .to_string()
}

/// True if data whose field `a` has this value passes a pattern with these rules for `a`.
fn passes(wanted: &str, value: &str) -> bool {
    let mut filters = Filters::new(RecordKind::Kinesis);
    filters.add(&format!(r#"{{"data":{{"a":{wanted}}}}}"#)).unwrap();
    filters.matches(&record(&format!(r#"{{"a":{value},"b":1}}"#)))
}

#[test]
fn values_are_compared_as_they_are_written() {
    for (wanted, same, others) in [
        (r#"["x"]"#, r#""x""#, [r#""X""#, r#""""#, "null"]),
        (r#"[""]"#, r#""""#, [r#""x""#, "null", "0"]),
        ("[null]", "null", [r#""null""#, r#""""#, "false"]),
        ("[true]", "true", ["false", r#""true""#, "1"]),
        ("[300]", "300", ["300.0", "3.0e2", r#""300""#]),
        ("[3.0e2]", "3.0e2", ["300", "300.0", "3e2"]),
        (r#"["x", 5]"#, "5", [r#""5""#, "6", r#""y""#]),
    ] {
        assert!(passes(wanted, same), "{wanted} {same}");
        for other in others {
            assert!(!passes(wanted, other), "{wanted} {other}");
        }
    }
}

#[test]
fn every_operator_matches_as_documented() {
    for (wanted, matching, others) in [
        (r#"[{"prefix":"us-"}]"#, r#""us-east""#, [r#""eu-us-""#, r#""US-east""#, "5"]),
        (r#"[{"suffix":".png"}]"#, r#""a.png""#, [r#"".png.""#, r#""a.PNG""#, "5"]),
        (r#"[{"equals-ignore-case":"AlicE"}]"#, r#""aLICe""#, [r#""alice ""#, r#""bob""#, "5"]),
        (r#"[{"anything-but":"x"}]"#, r#""y""#, [r#""x""#, r#"["x"]"#, "[]"]),
        (r#"[{"anything-but":["x",5]}]"#, "6", [r#""x""#, "5", r#"["x",5]"#]),
        (r#"[{"anything-but":{"prefix":"us-"}}]"#, r#""eu-1""#, [r#""us-1""#, r#"["us-1"]"#, "[]"]),
        (r#"[{"numeric":["=",300]}]"#, "3.0e2", ["301", r#""300""#, "null"]),
        (r#"[{"numeric":[">",10,"<=",20]}]"#, "20.0", ["10", "20.1", r#""15""#]),
        (r#"[{"numeric":[">=",-1.5,"<",0]}]"#, "-1.5", ["0", "-1.51", "1"]),
        (r#"[{"exists":true}]"#, "null", ["[]", "{}", r#"{"c":1}"#]),
        (r#"[{"exists":false}]"#, "{}", ["null", "0", r#""""#]),
    ] {
        assert!(passes(wanted, matching), "{wanted} {matching}");
        for other in others {
            assert!(!passes(wanted, other), "{wanted} {other}");
        }
    }
}

#[test]
fn an_array_matches_if_any_of_its_elements_does() {
    assert!(passes(r#"["x"]"#, r#"["y",["x"]]"#) && !passes(r#"["x"]"#, r#"["y",{"c":"x"}]"#));
    assert!(passes(r#"[{"anything-but":"x"}]"#, r#"["x","y"]"#));
    let both = r#"{"c":["x"],"d":["y"]}"#;
    assert!(passes(both, r#"[{"c":"z"},{"c":"x","d":"y"}]"#));
    assert!(!passes(both, r#"[{"c":"x"},{"d":"y"}]"#), "one element must match the whole pattern");
}

#[test]
fn all_fields_must_match_and_one_alternative_of_each_or() {
    let filters = kinesis(&json!({"partitionKey": ["ord-1"], "data": {"a": {"b": ["x"]}, "c": [{"exists": false}]}}));
    let filters = filters.unwrap();
    assert!(filters.matches(&record(r#"{"a":{"b":"x"}}"#)));
    for other in [r#"{"a":{"b":"x"},"c":1}"#, r#"{"a":"x"}"#, "{}", "5", r#""x""#] {
        assert!(!filters.matches(&record(other)), "{other}");
    }
    let filters = kinesis(&json!({"data": {"x": [1], "$or": [{"y": [2]}, {"z": [3], "x": [1]}]}})).unwrap();
    for (data, passes) in
        [(r#"{"x":1,"y":2}"#, true), (r#"{"x":1,"z":3}"#, true), (r#"{"x":1}"#, false), (r#"{"y":2,"z":3}"#, false)]
    {
        assert_eq!(filters.matches(&record(data)), passes, "{data}");
    }
    let missing = kinesis(&json!({"data": {"a": {"b": [{"exists": false}]}}})).unwrap();
    assert!(missing.matches(&record("{}")) && missing.matches(&record(r#"{"a":{}}"#)));
    assert!(!missing.matches(&record(r#"{"a":{"b":1}}"#)));
}

#[test]
fn a_record_passes_if_any_filter_matches() {
    let mut filters = Filters::new(RecordKind::Kinesis);
    assert!(filters.matches(&record("x")), "without a filter every record passes");
    filters.add(r#"{"data":{"a":[1]}}"#).unwrap();
    filters.add(r#"{"data":{"a":[2]}}"#).unwrap();
    assert!(filters.matches(&record(r#"{"a":1}"#)) && filters.matches(&record(r#"{"a":2}"#)));
    assert!(!filters.matches(&record(r#"{"a":3}"#)));
}

#[test]
fn data_that_is_not_json_matches_only_patterns_without_data() {
    let on_data = kinesis(&json!({"data": {"a": [{"exists": false}]}})).unwrap();
    let on_either = kinesis(&json!({"$or": [{"partitionKey": ["ord-1"]}, {"data": {"a": [1]}}]})).unwrap();
    let on_key = kinesis(&json!({"partitionKey": ["ord-1"]})).unwrap();
    for data in ["plain", "{", ""] {
        assert!(!on_data.matches(&record(data)) && !on_either.matches(&record(data)), "{data}");
        assert!(on_key.matches(&record(data)), "{data}");
    }
    assert!(on_data.matches(&record("[1]")) && on_either.matches(&record("{}")));
}

#[test]
fn a_table_record_is_matched_as_the_function_receives_it() {
    let mut filters = Filters::new(RecordKind::Table);
    let pattern =
        json!({"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"state": {"S": [{"prefix": "pai"}]}}}});
    filters.add(&pattern.to_string()).unwrap();
    let event = |name: &str, state: &str| {
        json!({"eventName": name, "dynamodb": {"Keys": {"n": {"N": "1"}}, "NewImage": {"state": {"S": state}}}})
            .to_string()
    };
    assert!(filters.matches(&event("INSERT", "paid")));
    assert!(!filters.matches(&event("INSERT", "open")) && !filters.matches(&event("REMOVE", "paid")));
}

#[test]
fn an_invalid_pattern_is_rejected_with_the_reason() {
    for (pattern, reason) in [
        ("{", "it is not JSON: "),
        ("[]", "it must be an object with at least one field"),
        ("{}", "it must be an object with at least one field"),
        (r#"{"data":{}}"#, "data must be a list of rules, or an object with at least one field"),
        (r#"{"data":{"a":"x"}}"#, "a must be a list of rules, or an object with at least one field"),
        (r#"{"data":{"a":[]}}"#, "a must be a list of rules, or an object with at least one field"),
        (r#"{"data":{"a":[["x"]]}}"#, "a rule must be a string, number, true, false, null or operator, not a list"),
        (r#"{"data":{"a":[{}]}}"#, "a rule object must have exactly one operator"),
        (r#"{"data":{"a":[{"prefix":"x","suffix":"y"}]}}"#, "a rule object must have exactly one operator"),
        (r#"{"data":{"a":[{"wildcard":"*"}]}}"#, "the local environment does not support operator wildcard"),
        (r#"{"data":{"a":[{"prefix":5}]}}"#, "operator prefix expects a string"),
        (r#"{"data":{"a":[{"exists":"yes"}]}}"#, "operator exists expects true or false"),
        (r#"{"data":{"a":[{"numeric":["=","5"]}]}}"#, "operator numeric expects a list such as"),
        (r#"{"data":{"a":[{"numeric":["!=",5]}]}}"#, "operator numeric expects a list such as"),
        (r#"{"data":{"a":[{"numeric":[">"]}]}}"#, "operator numeric expects a list such as"),
        (r#"{"data":{"a":[{"anything-but":[]}]}}"#, "operator anything-but expects a string, a number"),
        (r#"{"data":{"a":[{"anything-but":[null]}]}}"#, "operator anything-but expects a string, a number"),
        (r#"{"data":{"$or":[{"a":[1]}]}}"#, "$or must be a list of at least two objects"),
        (r#"{"data":["plain"]}"#, "data must be an object of fields: its content is matched as JSON"),
        (r#"{"Data":{"a":[1]}}"#, "a record has no field Data; its fields are data, partitionKey, "),
        (r#"{"$or":[{"data":{"a":[1]}},{"eventName":["x"]}]}"#, "a record has no field eventName; "),
    ] {
        let invalid = Filters::new(RecordKind::Kinesis).add(pattern).unwrap_err().to_string();
        assert!(invalid.starts_with(reason), "{pattern}: {invalid}");
    }
}

#[test]
fn a_pattern_has_at_most_4096_characters() {
    let pattern = |length: usize| format!(r#"{{"data":{{"a":["{}"]}}}}"#, "ä".repeat(length - 19));
    assert_eq!(pattern(4_096).chars().count(), 4_096);
    assert!(Filters::new(RecordKind::Kinesis).add(&pattern(4_096)).is_ok());
    let refused = Filters::new(RecordKind::Kinesis).add(&pattern(4_097)).unwrap_err();
    assert_eq!(refused.to_string(), "it has 4097 characters; the maximum is 4096");
}
