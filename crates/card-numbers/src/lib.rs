//! Payment card numbers in requests, where they have no business: tokens stand for them.
//!
//! They are looked for before anything else reads a request, so that none is stored, logged or repeated in a response. The
//! [head](refuse_in_head) and the [JSON body](refuse_in_body) are searched apart, since a body is read by the route alone.
//! The problem says in which places card numbers are. When to search is decided by `http-requests`.

mod body;
mod head;
mod pattern;

use http_problems::{Problem, builtin};

pub use body::refuse_in_body;
pub use head::refuse_in_head;

/// Places that one problem lists.
const PLACES_MAX: usize = 10;

/// The problem of a request that has card numbers in these places; none of them holds a card number itself.
fn refused(places: impl IntoIterator<Item = String>) -> Problem {
    let detail = "Send a token instead. Nothing of this request was stored or logged; \
                  see the page of this type for what counts as a card number.";
    let problem = Problem::new(builtin::CARD_NUMBER, detail);
    places.into_iter().fold(problem, |problem, place| problem.pointing_to(place, "must not be or hold a card number"))
}
