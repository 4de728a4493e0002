//! Paths of URIs: percent-encoding, and comparison with a route's template.
//!
//! Queries and form data are not here: `form_urlencoded` reads and writes them. Which function answers a path is not here
//! either: axum and API Gateway decide that.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Characters that a path cannot hold (RFC 3986, section 3.3). Text beyond ASCII is encoded as well.
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

/// Returns the path with every character encoded that a path cannot hold.
///
/// Existing percent-encodings stay as they are, so that an encoded path is returned unchanged. A `%` that begins no
/// encoding, as in a path that was decoded on its way, becomes `%25`.
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

fn begins_with_two_hex_digits(text: &str) -> bool {
    matches!(text.as_bytes(), [first, second, ..] if first.is_ascii_hexdigit() && second.is_ascii_hexdigit())
}

/// True if the path matches a route's template, such as `/orders/{order_id}`. A parameter is one segment, which is not empty.
pub fn matches_template(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(expected, found): (&&str, &&str)| expected == found || expected.starts_with('{') && !found.is_empty();
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_path_is_unchanged_and_a_percent_sign_that_begins_no_encoding_is_encoded() {
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
    fn a_parameter_is_one_segment_and_never_empty() {
        let template = "/orders/{order_id}/payments";
        assert!(matches_template(template, "/orders/ord-1/payments"));
        for path in ["/orders/ord-1", "/orders//payments", "/orders/a/b/payments", "/orders/ord-1/payments/"] {
            assert!(!matches_template(template, path), "{path}");
        }
    }
}
