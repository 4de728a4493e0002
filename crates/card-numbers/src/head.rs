//! Card numbers in a request's path, query and headers.

use http::header::HeaderName;
use http::request::Parts;
use http_problems::Problem;
use percent_encoding::percent_decode_str;
use uri_paths::ClientPath;

use crate::pattern::contains_card_number;
use crate::refused;

/// Headers whose value the caller chooses.
const CHOSEN_BY_CALLERS: [HeaderName; 3] =
    [HeaderName::from_static("idempotency-key"), http::header::IF_MATCH, http::header::IF_NONE_MATCH];
/// A header that is stored and passed on, and consists of random digits. About one in fifty thousand looks like a card
/// number by chance. The trace only aids diagnosis, so the header is removed and the request continues.
const REMOVED: HeaderName = HeaderName::from_static("traceparent");

/// Rejects a request with a card number in its path, its query or a header whose value the caller chooses.
///
/// A `traceparent` that looks like a card number is removed instead.
pub fn refuse_in_head(head: &mut Parts) -> Result<(), Problem> {
    if header_contains_card_number(head, &REMOVED) {
        head.headers.remove(REMOVED);
    }
    // No `instance` in this problem, because it would repeat the path.
    let client = head.extensions.get().map(|client: &ClientPath| client.path.as_str());
    let paths = [Some(head.uri.path()), client];
    if paths.into_iter().flatten().any(|path| contains_card_number(percent_decode_str(path).collect::<Vec<_>>())) {
        return Err(refused(["path".to_owned()]));
    }
    let query = head.uri.query().unwrap_or_default();
    let in_query = form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| contains_card_number(name.as_bytes()) || contains_card_number(value.as_bytes()))
        .then(|| "query".to_owned());
    let in_headers = CHOSEN_BY_CALLERS
        .into_iter()
        .filter(|name| header_contains_card_number(head, name))
        .map(|name| name.to_string());
    let places: Vec<_> = in_query.into_iter().chain(in_headers).collect();
    if places.is_empty() { Ok(()) } else { Err(refused(places).with_instance(head)) }
}

/// Returns true if a header with this name contains a card number.
fn header_contains_card_number(head: &Parts, name: &HeaderName) -> bool {
    let mut values = head.headers.get_all(name).iter();
    values.any(contains_card_number)
}
