//! Positions in lists.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_problems::Problem;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// Version of [`Contents`]. A change of its meaning raises the version, so that older cursors are rejected.
const VERSION: u8 = 1;

/// The parameter `cursor`: the position after which a page begins. Its text is opaque to clients: base64url of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Contents);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u8,
    /// Name of the list.
    list: String,
    /// Key of the last item before the page.
    after: String,
}

/// The text is not a cursor that [`Cursor`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a cursor that the API returned in next")]
pub struct InvalidCursor;

impl Cursor {
    /// Maximum length of the text, in characters.
    pub const LENGTH_MAX: usize = 2_048;
    /// Maximum length of a key, in bytes. A sort key of `DynamoDB` has at most 1,024 bytes, with its prefix.
    const AFTER_BYTES_MAX: usize = 1_000;

    /// Creates the cursor to the items of `list` after the one with the key `after`.
    pub fn new(list: impl Into<String>, after: impl Into<String>) -> Self {
        Self(Contents { version: VERSION, list: list.into(), after: after.into() })
    }

    /// Returns the key after which the page begins, of 1 to 1,000 bytes, or a problem if the cursor is of another list.
    pub fn after_in(&self, list: &str) -> Result<&str, Problem> {
        if self.0.list == list { Ok(&self.0.after) } else { Err(Problem::invalid("cursor", "is of another list")) }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        if text.len() > Self::LENGTH_MAX {
            return Err(InvalidCursor);
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let contents: Contents = serde_json::from_slice(&json).map_err(|_| InvalidCursor)?;
        let is_valid = contents.version == VERSION && (1..=Self::AFTER_BYTES_MAX).contains(&contents.after.len());
        if is_valid { Ok(Self(contents)) } else { Err(InvalidCursor) }
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Cursor {
    fn schema_name() -> Cow<'static, str> {
        "Cursor".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "maxLength": Self::LENGTH_MAX,
            "pattern": "^[A-Za-z0-9_-]+$",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn encoded(json: &serde_json::Value) -> String {
        URL_SAFE_NO_PAD.encode(json.to_string())
    }

    #[test]
    fn a_cursor_round_trips_and_holds_for_its_list_only() {
        let cursor = Cursor::new("ord-1", "pay_1");
        let read: Cursor = cursor.to_string().parse().unwrap();
        assert_eq!(read, cursor);
        assert_eq!(read.after_in("ord-1").unwrap(), "pay_1");
        assert_eq!(read.after_in("ord-2").unwrap_err().problem_type(), http_problems::builtin::INVALID_REQUEST);
    }

    #[test]
    fn a_text_that_is_no_cursor_is_rejected() {
        let good = json!({"version": 1, "list": "ord-1", "after": "pay_1"});
        let with = |name: &str, value: serde_json::Value| {
            let mut contents = good.clone();
            contents[name] = value;
            encoded(&contents)
        };
        assert!(encoded(&good).parse::<Cursor>().is_ok());
        let longest = with("after", json!("p".repeat(1_000)));
        assert!(longest.parse::<Cursor>().is_ok() && longest.len() < Cursor::LENGTH_MAX);
        for bad in [
            String::new(),
            "pay_1".to_owned(),
            "{}".to_owned(),
            format!("{}=", encoded(&good)),
            encoded(&json!({})),
            encoded(&json!([1, "ord-1"])),
            with("version", json!(2)),
            with("more", json!(1)),
            with("after", json!("")),
            with("after", json!("p".repeat(1_001))),
            with("list", json!("l".repeat(Cursor::LENGTH_MAX))),
        ] {
            assert_eq!(bad.parse::<Cursor>(), Err(InvalidCursor), "{bad}");
        }
    }
}
