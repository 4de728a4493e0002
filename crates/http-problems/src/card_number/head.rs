//! Card numbers in a request's path, query and headers.

use http::header::HeaderName;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::refused;
use super::text::holds_card_number;
use crate::Problem;

/// The headers that callers put something of their own into.
const REFUSED: [HeaderName; 2] = [HeaderName::from_static("idempotency-key"), http::header::IF_MATCH];
/// Is stored and passed on, but made of random digits: one in some ten thousand looks like a card number by chance.
/// It is an aid, which is done without rather than refused.
const LEFT_OUT: HeaderName = HeaderName::from_static("traceparent");

/// Refuses a request with a card number in its path, its query or a header of the caller's own.
pub(crate) fn refuse_in_head(head: &mut Parts) -> Result<(), Problem> {
    if headers(head, &LEFT_OUT) {
        head.headers.remove(LEFT_OUT);
    }
    // The path is what names the problem's instance.
    if holds_card_number(percent_decode_str(head.uri.path()).collect::<Vec<_>>()) {
        return Err(refused(["path".to_owned()]));
    }
    let query = head.uri.query().unwrap_or_default();
    let in_query = form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| holds_card_number(name.as_bytes()) || holds_card_number(value.as_bytes()))
        .then(|| "query".to_owned());
    let in_headers = REFUSED.into_iter().filter(|name| headers(head, name)).map(|name| name.to_string());
    let places: Vec<_> = in_query.into_iter().chain(in_headers).collect();
    if places.is_empty() { Ok(()) } else { Err(refused(places).at(head.uri.path())) }
}

/// Whether a header of that name holds a card number.
fn headers(head: &Parts, name: &HeaderName) -> bool {
    let mut values = head.headers.get_all(name).iter();
    values.any(holds_card_number)
}
