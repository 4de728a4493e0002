//! URI paths: percent-encoding, matching against a route's template, and the path that a client sent.
//!
//! Queries and form data are left to `form_urlencoded`, routing to axum and API Gateway.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Characters that a path cannot hold (RFC 3986, section 3.3). Non-ASCII text is encoded as well.
const NOT_IN_A_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Characters that a single segment of a path cannot hold.
const NOT_IN_A_SEGMENT: &AsciiSet = &NOT_IN_A_PATH.add(b'%').add(b'/');

/// Path that the client sent, where a gateway passes another one to the router. It is a request extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPath {
    /// Percent-encoded path of the URL, with all that the gateway removes: the stage and the base path of a domain.
    pub path: String,
    /// True if the gateway matched none of the API's routes, only a catch-all such as `/{proxy+}`.
    pub is_unrouted: bool,
}

/// Percent-encodes all characters that a path cannot hold.
///
/// Existing encodings are kept, so an encoded path is returned unchanged. A `%` that begins no encoding, as in a path
/// that was decoded on the way, becomes `%25`.
pub fn encode_path(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    let mut parts = path.split('%');
    encoded.extend(utf8_percent_encode(parts.next().unwrap_or_default(), NOT_IN_A_PATH));
    for part in parts {
        encoded.push_str(if begins_with_two_hex_digits(part) { "%" } else { "%25" });
        encoded.extend(utf8_percent_encode(part, NOT_IN_A_PATH));
    }
    encoded
}

/// Percent-encodes decoded text as one segment of a path, so that `/` and `%` are part of the segment.
pub fn encode_segment(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, NOT_IN_A_SEGMENT)
}

/// Returns true if a segment of an encoded path contains a slash (`%2F`).
pub fn has_encoded_slash(path: &str) -> bool {
    path.split('%').skip(1).any(|part| matches!(part.as_bytes(), [b'2', b'F' | b'f', ..]))
}

fn begins_with_two_hex_digits(text: &str) -> bool {
    matches!(text.as_bytes(), [first, second, ..] if first.is_ascii_hexdigit() && second.is_ascii_hexdigit())
}

/// Returns true if the path matches a route's template, such as `/orders/{order_id}`. A parameter is one non-empty
/// segment.
pub fn matches_template(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(expected, found): (&&str, &&str)| expected == found || expected.starts_with('{') && !found.is_empty();
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_kept_and_a_stray_percent_sign_is_encoded() {
        for (path, encoded) in [
            ("/a%2Fb%c3", "/a%2Fb%c3"),
            ("/%2/%zz/%%41", "/%252/%25zz/%25%41"),
            ("/a b?c#d", "/a%20b%3Fc%23d"),
            ("/é[1]", "/%C3%A9%5B1%5D"),
        ] {
            assert_eq!(encode_path(path), encoded);
            assert_eq!(encode_path(encoded), encoded);
        }
    }

    #[test]
    fn a_segment_holds_any_text() {
        for (text, encoded) in
            [("a/b", "a%2Fb"), ("a%2Fb", "a%252Fb"), ("é ?", "%C3%A9%20%3F"), ("a-b_c.d~", "a-b_c.d~")]
        {
            assert_eq!(encode_segment(text).to_string(), encoded);
        }
    }

    #[test]
    fn only_an_encoded_slash_is_one() {
        for path in ["/a%2Fb", "/%2f", "/%41%2F"] {
            assert!(has_encoded_slash(path), "{path}");
        }
        for path in ["/a/b", "/a%252Fb", "/%2", "/2F", "/%25"] {
            assert!(!has_encoded_slash(path), "{path}");
        }
    }

    #[test]
    fn a_parameter_is_one_non_empty_segment() {
        let template = "/orders/{order_id}/payments";
        assert!(matches_template(template, "/orders/ord-1/payments"));
        for path in ["/orders/ord-1", "/orders//payments", "/orders/a/b/payments", "/orders/ord-1/payments/"] {
            assert!(!matches_template(template, path), "{path}");
        }
    }
}
