//! Access to JSON documents of unchecked shape.

use serde_json::Value;

/// Returns the members of an object; no members for any other value.
pub(crate) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Returns the values of an array; no values for any other value.
pub(crate) fn values(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
