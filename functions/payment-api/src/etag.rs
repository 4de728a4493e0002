//! Entity tags: the version of a payment, in quotes.
//!
//! Source: [RFC 9110, section 8.8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3), and [section
//! 13.1](https://www.rfc-editor.org/rfc/rfc9110#section-13.1) for the headers that list them.

use axum::http::HeaderValue;
use payments::Versions;
use schemars::{Schema, json_schema};

/// Returns the entity tag of a payment with this version.
pub(crate) fn etag(version: u64) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{version}\"")).ok()
}

/// Regular expression of a list of entity tags, which may have empty members.
const ENTITY_TAGS: &str =
    concat!(r#"^[ \t,]*(W/)?"[!#-~\u0080-\u00FF]*"[ \t]*"#, r#"(,[ \t]*((W/)?"[!#-~\u0080-\u00FF]*"[ \t]*)?)*$"#);

/// Returns the JSON Schema of a header that [`Comparison::versions`] parses.
pub(crate) fn entity_tags_schema() -> Schema {
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

/// A header that is neither `*` nor a list of entity tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be * or a list of entity tags in quotes, as in the etag header")]
pub(crate) struct InvalidEntityTags;

/// Comparison of entity tags (RFC 9110, section 8.8.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// A weak tag equals no other (`If-Match`).
    Strong,
    /// A weak tag equals any tag with the same characters (`If-None-Match`).
    Weak,
}

impl Comparison {
    /// Parses a header into the versions whose entity tags equal one of its tags.
    ///
    /// Tags are compared character by character, so `"01"` is not the tag of version 1. Members of the list may be empty
    /// (RFC 9110, section 5.6.1.2), but not all of them.
    pub(crate) fn versions(self, header: &[u8]) -> Result<Versions, InvalidEntityTags> {
        if header.trim_ascii() == b"*" {
            return Ok(Versions::All);
        }
        let (mut versions, mut is_empty, mut rest) = (Vec::new(), true, header);
        loop {
            rest = match rest.trim_ascii_start() {
                [] if is_empty => return Err(InvalidEntityTags),
                [] => return Ok(Versions::Listed(versions)),
                [b',', rest @ ..] => rest,
                member => {
                    let (tag, rest) = EntityTag::split(member).ok_or(InvalidEntityTags)?;
                    is_empty = false;
                    versions.extend(tag.version().filter(|_| self == Self::Weak || !tag.is_weak));
                    rest
                }
            };
        }
    }
}

/// A parsed entity tag.
struct EntityTag<'a> {
    is_weak: bool,
    /// Characters between the quotes.
    opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// Splits a list into its first member and the rest, which is empty or begins with a comma.
    fn split(list: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (is_weak, tag) = match list {
            [b'W', b'/', tag @ ..] => (true, tag),
            tag => (false, tag),
        };
        let end = tag.strip_prefix(b"\"")?.iter().position(|byte| *byte == b'"')?;
        let (opaque, rest) = tag.strip_prefix(b"\"")?.split_at_checked(end)?;
        // `etagc`: visible characters but the quote, and `obs-text`.
        let is_valid = opaque.iter().all(|byte| matches!(byte, b'!' | b'#'..=b'~' | 0x80..));
        let rest = rest.strip_prefix(b"\"")?.trim_ascii_start();
        (is_valid && matches!(rest, [] | [b',', ..])).then_some((Self { is_weak, opaque }, rest))
    }

    /// Returns the version whose entity tag has these characters.
    fn version(&self) -> Option<u64> {
        let version = std::str::from_utf8(self.opaque).ok()?.parse::<u64>().ok()?;
        let is_as_written = !matches!(self.opaque, [b'+', ..] | [b'0', _, ..]);
        is_as_written.then_some(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(header: &str) -> Result<Versions, InvalidEntityTags> {
        Comparison::Strong.versions(header.as_bytes())
    }

    fn listed(versions: &[u64]) -> Versions {
        Versions::Listed(versions.to_vec())
    }

    #[test]
    fn a_list_accepts_the_tag_that_etag_creates() {
        for version in [0, 3, 10, u64::MAX] {
            let tag = etag(version).unwrap();
            assert_eq!(Comparison::Strong.versions(tag.as_bytes()), Ok(listed(&[version])));
        }
    }

    #[test]
    fn a_list_names_its_versions_and_a_star_any() {
        assert_eq!(if_match(r#""1", "2""#), Ok(listed(&[1, 2])));
        assert_eq!(if_match(" * "), Ok(Versions::All));
    }

    #[test]
    fn members_may_be_empty() {
        for list in [r#","1""#, r#""1","#, ", ,\t\"1\"\t, ,", r#""1",,"x""#] {
            assert_eq!(if_match(list), Ok(listed(&[1])), "{list:?}");
        }
    }

    #[test]
    fn tags_may_contain_commas_and_obs_text() {
        assert_eq!(if_match(r#""a,b", "1""#), Ok(listed(&[1])));
        assert_eq!(if_match(r#""1,2""#), Ok(listed(&[])));
        assert_eq!(Comparison::Strong.versions(b"\"\x80\xff\", \"1\""), Ok(listed(&[1])));
    }

    #[test]
    fn tags_are_compared_character_by_character() {
        for other in ["01", "+1", "00", "1.0", "0x1", "", "-1", "abc", "18446744073709551616"] {
            assert_eq!(if_match(&format!("\"{other}\"")), Ok(listed(&[])), "{other}");
        }
    }

    #[test]
    fn weak_tags_equal_others_in_a_weak_comparison_only() {
        assert_eq!(if_match(r#"W/"3""#), Ok(listed(&[])));
        assert_eq!(Comparison::Weak.versions(br#"W/"3", "4""#), Ok(listed(&[3, 4])));
    }

    #[test]
    fn a_malformed_list_of_tags_is_refused() {
        for bad in [
            "",
            " , ,",
            "3",
            "\"",
            "\"1\" \"2\"",
            "\"1\"2",
            "\"1\" 2",
            "W/3",
            "w/\"3\"",
            "\"1 2\"",
            "\"\"\"",
            "*, \"1\"",
            "*,*",
        ] {
            assert_eq!(if_match(bad), Err(InvalidEntityTags), "{bad:?}");
        }
    }
}
