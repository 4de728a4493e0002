//! Entity tags: a payment's is its version, in quotes.
//!
//! Source: [RFC 9110, section 8.8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3) and
//! [section 13.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1).

use axum::http::HeaderValue;
use schemars::{Schema, json_schema};

/// The entity tag of a payment with this version.
pub(crate) fn etag(version: u64) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{version}\"")).ok()
}

/// Entity tags of visible characters without commas.
const ENTITY_TAGS: &str = r#"^(W/)?"[!#-+\--~]*"( *, *(W/)?"[!#-+\--~]*")*$"#;

/// What [`versions`] takes.
pub(crate) fn if_match_schema() -> Schema {
    json_schema!({
        "type": "string",
        "anyOf": [{ "const": "*" }, { "pattern": ENTITY_TAGS }],
        "minLength": 1,
        "examples": ["\"1\""],
    })
}

/// What [`etag`] gives.
pub(crate) fn etag_schema() -> Schema {
    json_schema!({ "type": "string", "pattern": r#"^"[0-9]+"$"#, "examples": ["\"1\""] })
}

/// An `If-Match` that is neither `*` nor a list of entity tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be * or entity tags in quotes, as the etag header gives them")]
pub(crate) struct InvalidIfMatch;

/// The versions that an `If-Match` allows, or nothing where it allows any.
///
/// Tags that are none of ours, and weak ones, which `If-Match` never matches, allow no version.
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
    fn what_etag_gives_if_match_takes() {
        let tag = etag(3).unwrap();
        assert_eq!(tag, "\"3\"");
        assert_eq!(versions(tag.to_str().unwrap()), Ok(Some(vec![3])));
    }

    #[test]
    fn a_list_allows_each_version_and_a_star_any() {
        assert_eq!(versions(r#""1", "2""#), Ok(Some(vec![1, 2])));
        assert_eq!(versions("*"), Ok(None));
    }

    #[test]
    fn weak_and_foreign_tags_allow_none() {
        assert_eq!(versions(r#"W/"3", "abc", "-1""#), Ok(Some(vec![])));
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for bad in ["", "3", "\"", "\"1\",", "\"1\" 2", "W/3", "\"1 2\"", "\"\"\"", "\"é\""] {
            assert_eq!(versions(bad), Err(InvalidIfMatch), "{bad:?}");
        }
    }
}
