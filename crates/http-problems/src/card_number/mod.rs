//! Card numbers have no business in a request: tokens stand for them. They are looked for before anything else reads a
//! request, so that none is stored, logged or repeated in an answer.

mod body;
mod head;
mod text;

use crate::{Problem, kinds};

pub(crate) use body::refuse_in_body;
pub(crate) use head::refuse_in_head;

/// Places that are pointed to in one answer.
const PLACES_MAX: usize = 10;

/// The problem of a request that has card numbers in these places; none of them holds a card number itself.
fn refused(places: impl IntoIterator<Item = String>) -> Problem {
    let detail = "Send a token instead. Nothing of this request was stored or logged; \
                  see the page of this type for what counts as a card number.";
    let problem = Problem::new(kinds::CARD_NUMBER, detail);
    places.into_iter().fold(problem, |problem, place| problem.pointing_to(place, "must not be or hold a card number"))
}
