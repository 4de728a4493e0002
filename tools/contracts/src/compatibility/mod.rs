//! Whether who relies on an older contract can live with a newer one.
//!
//! What is sent to us may only be allowed more, and what we send may only become more exact: a request's field must not
//! become required, an answer's must not go missing. A value of an enumeration must not go away on either side, and may
//! be added on either: the documents tell clients to expect that. A keyword of JSON Schema that is not read here counts as
//! one that may break somebody wherever it differs.

mod change;
mod demands;
mod messages;
mod requests;
mod schema;

use serde_json::Value;

pub use change::Breaking;

/// What breaks those who rely on `old` when `new` takes its place: documents of the same kind, `OpenAPI`, `AsyncAPI` or the
/// JSON Schema of an event.
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
