//! Request units of DynamoDB. The emulator computes them, item sizes, indexes and transactions included, if a call sets
//! `ReturnConsumedCapacity`. So that field is added to every call.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::TableUsage;

/// JSON field that is added to a call.
const ASK: &[u8] = br#""ReturnConsumedCapacity":"TOTAL","#;
const READS: [&str; 5] = ["BatchGetItem", "GetItem", "Query", "Scan", "TransactGetItems"];
const WRITES: [&str; 5] = ["BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"];
/// Usage of a write whose condition failed. AWS bills the size of the existing item, at least one unit. The response
/// does not contain that size; our items are smaller than 1 KB.
const REFUSED_WRITE: TableUsage = TableUsage { read_units: 0.0, write_units: 1.0 };

/// A call whose request units are counted.
pub(crate) struct Metered {
    is_write: bool,
    table: Option<String>,
}

/// Adds `ReturnConsumedCapacity` to a call that supports it and does not set it. `None` for calls without request
/// units.
pub(crate) fn request_capacity(operation: &str, body: Bytes) -> (Option<Metered>, Bytes) {
    let is_write = WRITES.contains(&operation);
    if !is_write && !READS.contains(&operation) {
        return (None, body);
    }
    // The emulator rejects malformed requests.
    let Ok(request) = serde_json::from_slice::<CapacityRequest>(&body) else { return (None, body) };
    let metered = Some(Metered { is_write, table: request.table });
    let Some(opening) = body.iter().position(|byte| *byte == b'{') else { return (metered, body) };
    let (before, behind) = body.split_at(opening + 1);
    // The added text ends with a comma, so a field must follow.
    if request.asks.is_some() || !behind.trim_ascii_start().starts_with(b"\"") {
        return (metered, body);
    }
    (metered, [before, ASK, behind].concat().into())
}

/// Returns the request units of a call, by table, from its response.
pub(crate) fn used(call: &Metered, is_success: bool, answer: &[u8]) -> Vec<(String, TableUsage)> {
    if !is_success {
        let refused = serde_json::from_slice::<ErrorBody>(answer).is_ok_and(|refusal| refusal.is_of_a_condition());
        let table = call.table.clone().filter(|_| call.is_write && refused);
        return table.map(|table| (table, REFUSED_WRITE)).into_iter().collect();
    }
    let Ok(answer) = serde_json::from_slice::<CapacityAnswer>(answer) else { return Vec::new() };
    let consumed = match answer.consumed {
        None => Vec::new(),
        Some(Consumed::One(one)) => vec![one],
        Some(Consumed::Many(many)) => many,
    };
    let units = |consumed: Capacity| {
        let units = consumed.units;
        let usage = if call.is_write {
            TableUsage { write_units: units, ..TableUsage::default() }
        } else {
            TableUsage { read_units: units, ..TableUsage::default() }
        };
        (consumed.table, usage)
    };
    consumed.into_iter().map(units).collect()
}

#[derive(Deserialize)]
struct CapacityRequest {
    #[serde(rename = "TableName")]
    table: Option<String>,
    #[serde(rename = "ReturnConsumedCapacity")]
    asks: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct CapacityAnswer {
    #[serde(rename = "ConsumedCapacity")]
    consumed: Option<Consumed>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Consumed {
    One(Capacity),
    Many(Vec<Capacity>),
}

#[derive(Deserialize)]
struct Capacity {
    #[serde(rename = "TableName")]
    table: String,
    #[serde(rename = "CapacityUnits")]
    units: f64,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(rename = "__type")]
    kind: String,
}

impl ErrorBody {
    fn is_of_a_condition(&self) -> bool {
        self.kind.ends_with("ConditionalCheckFailedException")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(operation: &str, body: &str) -> String {
        String::from_utf8(request_capacity(operation, Bytes::from(body.to_owned())).1.to_vec()).unwrap()
    }

    #[test]
    fn a_call_requests_its_capacity_once_and_is_otherwise_unchanged() {
        let asking = r#"{"ReturnConsumedCapacity":"TOTAL","TableName":"t"}"#;
        assert_eq!(asked("GetItem", r#"{"TableName":"t"}"#), asking);
        assert_eq!(asked("GetItem", asking), asking);
        let other = r#" {"TableName":"t","ReturnConsumedCapacity":"INDEXES"}"#;
        assert_eq!(asked("PutItem", other), other);
        for body in ["{}", "", "[1]", r#"{"TableName":"#] {
            assert_eq!(asked("PutItem", body), body);
        }
        assert_eq!(asked("DescribeTable", r#"{"TableName":"t"}"#), r#"{"TableName":"t"}"#);
    }

    #[test]
    fn a_write_whose_condition_failed_is_billed_and_other_errors_are_not() {
        let (put, _) = request_capacity("PutItem", Bytes::from_static(br#"{"TableName":"t"}"#));
        let put = put.unwrap();
        let refused = br#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}"#;
        assert_eq!(used(&put, false, refused), [("t".to_owned(), REFUSED_WRITE)]);
        assert_eq!(used(&put, false, br#"{"__type":"com.amazon.coral.validate#ValidationException"}"#), []);
        assert_eq!(used(&put, false, b"<html>"), []);
    }

    #[test]
    fn units_are_read_for_one_table_or_several() {
        let (get, _) = request_capacity("BatchGetItem", Bytes::from_static(br#"{"RequestItems":{}}"#));
        let answer =
            br#"{"ConsumedCapacity":[{"TableName":"a","CapacityUnits":0.5},{"TableName":"b","CapacityUnits":2}]}"#;
        let read = |read_units| TableUsage { read_units, write_units: 0.0 };
        let found = used(&get.unwrap(), true, answer);
        assert_eq!(found, [("a".to_owned(), read(0.5)), ("b".to_owned(), read(2.0))]);
    }
}
