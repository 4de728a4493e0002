//! Backward compatibility: changes between two versions of a contract that break clients or consumers.
//!
//! Constraints on requests may only be relaxed, and constraints on responses and events may only be tightened: a field
//! of a request must not become required, and a field of a response must not become optional. Values of an enumeration
//! may be added on both sides and must not be removed on either: the documents tell clients to expect new ones. A JSON
//! Schema keyword that is not evaluated here counts as breaking wherever it differs.

mod change;
mod demands;
mod messages;
mod requests;
mod schema;

use serde_json::Value;

pub use change::Breaking;

/// Returns the changes that break clients or consumers when `new` replaces `old`. Both are documents of the same kind:
/// `OpenAPI`, `AsyncAPI` or the JSON Schema of an event.
pub fn breaking(old: &Value, new: &Value) -> Vec<Breaking> {
    if old.get("openapi").is_some() {
        requests::breaking(old, new)
    } else if old.get("asyncapi").is_some() {
        messages::breaking(old, new)
    } else {
        let mut found = Vec::new();
        schema::SchemaComparison::new(old, new, schema::Direction::Sent).compare(old, new, "the event", &mut found);
        found
    }
}
