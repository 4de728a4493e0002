//! Detection of payment card numbers in requests. Callers must send tokens instead.
//!
//! `http-requests` runs these checks before anything else reads a request, so that no card number is stored, logged or
//! repeated in a response. The [head](refuse_in_head) and the [JSON body](refuse_in_body) are checked separately,
//! because only the route reads the body. The problem lists the places of the card numbers.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod body;
mod head;
mod issuers;
mod pattern;
#[cfg(test)]
mod published;

use http_problems::{Problem, builtin};

pub use body::refuse_in_body;
pub use head::refuse_in_head;

/// Maximum number of places that a problem lists.
const PLACES_MAX: usize = 10;

/// Creates the problem for a request with card numbers in these places. A place itself must not contain a card number.
fn refused(places: impl IntoIterator<Item = String>) -> Problem {
    let detail = "Send a token instead. Nothing of this request was stored or logged; \
                  the page of this problem type defines what counts as a card number.";
    let problem = Problem::new(builtin::CARD_NUMBER, detail);
    places
        .into_iter()
        .fold(problem, |problem, place| problem.pointing_to(place, "must not be or contain a card number"))
}
