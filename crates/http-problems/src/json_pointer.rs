//! JSON pointers into a request's body.

use std::fmt;

/// Longest caller-defined name that a response repeats, in characters.
const NAME_CHARS_MAX: usize = 64;

/// A JSON pointer (RFC 6901) into a request's body, with long keys shortened. The root is displayed as `body`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsonPointer(String);

impl JsonPointer {
    /// Returns the pointer to this key's value within the object that `self` points to.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let key = shorten_name(key).replace('~', "~0").replace('/', "~1");
        Self(format!("{}/{key}", self.0))
    }

    /// Returns the pointer to this element of the array that `self` points to.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "body" } else { &self.0 })
    }
}

/// Returns a caller-defined name, cut after 64 characters.
pub fn shorten_name(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS_MAX) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}
