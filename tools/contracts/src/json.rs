//! Reading JSON documents whose shape is not checked.

use serde_json::Value;

/// Members of an object; none of any other value.
pub(crate) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Values of an array; none of any other value.
pub(crate) fn values(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
