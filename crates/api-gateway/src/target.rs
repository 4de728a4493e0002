//! The target of a request: its path and query.

use std::collections::BTreeMap;

use form_urlencoded::Serializer;
use http::Uri;
use http::uri::{InvalidUri, PathAndQuery};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use uri_paths::encode_path;

use crate::event::Text;

/// Characters that would end a query (RFC 3986, section 3.4) or be refused in one. Text beyond ASCII is encoded as well.
const NOT_IN_A_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// Why a path and a query make no target.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidTarget {
    #[error("the path must begin with a slash")]
    RelativePath,
    #[error(transparent)]
    Uri(#[from] InvalidUri),
}

/// The path of an event and a query as it is sent.
///
/// REST APIs and function URLs give the path as it was sent, HTTP APIs give it decoded, in either format; which of them it
/// was, an event does not say. So what is encoded stays so, and what no path can hold, such as a space, a `?`, or a `%`
/// that begins no encoding, is encoded again.
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

/// A query as it is sent, of parameters that API Gateway has decoded.
pub(crate) fn query(parameters: &BTreeMap<Text<'_>, Vec<Text<'_>>>) -> String {
    let pairs = parameters.iter().flat_map(|(name, values)| values.iter().map(|value| (&name.0, &value.0)));
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}
