//! Entity tags: the version of a payment, in quotes.
//!
//! Source: [RFC 9110, section 8.8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3) and
//! [section 13.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1).

use axum::http::HeaderValue;
use schemars::{Schema, json_schema};

/// Returns the entity tag of a payment with this version.
pub(crate) fn etag(version: u64) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{version}\"")).ok()
}

/// Regular expression of a list of entity tags of visible ASCII characters without commas.
const ENTITY_TAGS: &str = r#"^(W/)?"[!#-+\--~]*"( *, *(W/)?"[!#-+\--~]*")*$"#;

/// Returns the JSON Schema of the header that [`versions`] parses.
pub(crate) fn if_match_schema() -> Schema {
    json_schema!({
        "type": "string",
        "anyOf": [{ "const": "*" }, { "pattern": ENTITY_TAGS }],
        "minLength": 1,
        "examples": ["\"1\""],
    })
}

/// Returns the JSON Schema of the header that [`etag`] creates.
pub(crate) fn etag_schema() -> Schema {
    json_schema!({ "type": "string", "pattern": r#"^"[0-9]+"$"#, "examples": ["\"1\""] })
}

/// An `If-Match` that is neither `*` nor a list of entity tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be * or a list of entity tags in quotes, as in the etag header")]
pub(crate) struct InvalidIfMatch;

/// Parses an `If-Match` header into the versions that it allows. `None` allows any.
///
/// Unknown tags allow no version. Neither do weak ones, because `If-Match` compares strongly.
pub(crate) fn versions(if_match: &str) -> Result<Option<Vec<u64>>, InvalidIfMatch> {
    if if_match.trim() == "*" {
        return Ok(None);
    }
    let tags: Vec<_> = if_match.split(',').map(str::trim).collect();
    if !tags.iter().all(|tag| quoted(tag.strip_prefix("W/").unwrap_or(tag)).is_some()) {
        return Err(InvalidIfMatch);
    }
    Ok(Some(tags.into_iter().filter_map(|tag| quoted(tag)?.parse().ok()).collect()))
}

fn quoted(tag: &str) -> Option<&str> {
    let characters = tag.strip_prefix('"')?.strip_suffix('"')?;
    characters.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"').then_some(characters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_accepts_the_tag_that_etag_creates() {
        let tag = etag(3).unwrap();
        assert_eq!(tag, "\"3\"");
        assert_eq!(versions(tag.to_str().unwrap()), Ok(Some(vec![3])));
    }

    #[test]
    fn a_list_allows_its_versions_and_a_star_any() {
        assert_eq!(versions(r#""1", "2""#), Ok(Some(vec![1, 2])));
        assert_eq!(versions("*"), Ok(None));
    }

    #[test]
    fn weak_and_unknown_tags_allow_no_version() {
        assert_eq!(versions(r#"W/"3", "abc", "-1""#), Ok(Some(vec![])));
    }

    #[test]
    fn a_malformed_list_of_tags_is_refused() {
        for bad in ["", "3", "\"", "\"1\",", "\"1\" 2", "W/3", "\"1 2\"", "\"\"\"", "\"é\""] {
            assert_eq!(versions(bad), Err(InvalidIfMatch), "{bad:?}");
        }
    }
}
