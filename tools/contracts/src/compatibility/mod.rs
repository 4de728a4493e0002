//! Whether who relies on an older contract can live with a newer one.
//!
//! What is sent to us may only be allowed more, and what we send may only become more exact: a request's field must not
//! become required, an answer's must not go missing. A value of an enumeration must not go away on either side, and may
//! be added on either: the documents tell clients to expect that. A keyword of JSON Schema that is not read here counts as
//! one that may break somebody wherever it differs.

mod demands;
mod messages;
mod requests;
mod schema;

use std::fmt;

use serde_json::Value;

/// A change that breaks somebody: what of the contract, and how it has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaking {
    /// Which part of the contract.
    pub part: String,
    /// What became of it.
    pub change: String,
}

impl fmt::Display for Breaking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.part, self.change)
    }
}

/// What breaks those who rely on `old` when `new` takes its place: documents of the same kind, `OpenAPI`, `AsyncAPI` or the
/// JSON Schema of an event.
pub fn breaking(old: &Value, new: &Value) -> Vec<Breaking> {
    if old.get("openapi").is_some() {
        requests::breaking(old, new)
    } else if old.get("asyncapi").is_some() {
        messages::breaking(old, new)
    } else {
        let mut found = Vec::new();
        schema::Comparison::new(old, new, schema::Direction::Sent).compare(old, new, "the event", &mut found);
        found
    }
}

fn broken(found: &mut Vec<Breaking>, part: impl Into<String>, change: impl Into<String>) {
    let breaking = Breaking { part: part.into(), change: change.into() };
    // One schema is met in several places of a document, and in one of them twice where it refers to itself.
    if !found.contains(&breaking) {
        found.push(breaking);
    }
}

/// The members of an object; none of anything else.
fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The values of an array; none of anything else.
fn values(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
