//! References to next pages.

use std::borrow::Cow;

use form_urlencoded::Serializer;
use http::HeaderValue;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::{Cursor, Limit};

/// Reference to the next page: a query, to be resolved against the URL of the request (RFC 3986, section 5.2). It leads
/// back to the same list under any host, stage and base path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextPage(String);

impl NextPage {
    /// Creates the reference from the list's own parameters, the limit and the cursor.
    pub fn new(parameters: &[(&str, &str)], limit: Limit, cursor: &Cursor) -> Self {
        let mut query = Serializer::for_suffix(String::from("?"), 1);
        query.extend_pairs(parameters);
        query.append_pair("limit", &limit.to_string()).append_pair("cursor", &cursor.to_string());
        Self(query.finish())
    }

    /// Returns the value of the header `Link` (RFC 8288).
    pub fn link(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(format!("<{}>; rel=\"next\"", self.0)).ok()
    }
}

impl JsonSchema for NextPage {
    fn schema_name() -> Cow<'static, str> {
        "NextPage".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Reference to the next page, relative to the URL of the request. Missing on the last page.",
            "type": "string",
            "format": "uri-reference",
            "pattern": "^\\?",
        })
    }
}

/// Returns the schema of the header `Link`.
pub fn link_schema() -> Schema {
    json_schema!({ "type": "string", "pattern": "^<\\?[^>]+>; rel=\"next\"$" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_a_query_and_the_link_names_its_relation() {
        let cursor = Cursor::new("ord-1", "pay_1");
        let next = NextPage::new(&[("order_id", "ord-1")], "7".parse().unwrap(), &cursor);
        assert_eq!(next.0, format!("?order_id=ord-1&limit=7&cursor={cursor}"));
        assert_eq!(next.link().unwrap(), format!("<{}>; rel=\"next\"", next.0).as_str());
        assert_eq!(NextPage::new(&[], Limit::default(), &cursor).0, format!("?limit=100&cursor={cursor}"));
    }
}
