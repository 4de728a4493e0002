//! Request targets: path and query.

use std::collections::BTreeMap;

use form_urlencoded::Serializer;
use http::Uri;
use http::uri::{InvalidUri, PathAndQuery};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use uri_paths::encode_path;

use crate::event::Text;

/// Characters that would end a query (RFC 3986, section 3.4) or are invalid in one. Non-ASCII text is encoded as well.
const NOT_IN_A_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// Why a path and a query are not a valid target.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidTarget {
    #[error("the path must begin with a slash")]
    RelativePath,
    #[error(transparent)]
    Uri(#[from] InvalidUri),
}

/// Returns the target for a route's path and an encoded query.
///
/// Function URLs pass the path as it was sent, and routes `$default` of HTTP APIs pass it decoded. An event does not
/// tell them apart. So existing encodings are kept, and everything that a path cannot hold is encoded again: a space, a
/// `?`, or a `%` that begins no encoding.
pub(crate) fn target(path: &str, query: &str) -> Result<Uri, InvalidTarget> {
    if !path.starts_with('/') {
        return Err(InvalidTarget::RelativePath);
    }
    let mut target = encode_path(path);
    if !query.is_empty() {
        target.push('?');
        target.extend(utf8_percent_encode(query, NOT_IN_A_QUERY));
    }
    Ok(PathAndQuery::try_from(target)?.into())
}

/// Returns the encoded query for parameters that API Gateway has decoded.
pub(crate) fn query(parameters: &BTreeMap<Text<'_>, Vec<Text<'_>>>) -> String {
    let pairs = parameters.iter().flat_map(|(name, values)| values.iter().map(|value| (&name.0, &value.0)));
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}
