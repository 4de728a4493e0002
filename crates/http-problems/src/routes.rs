//! What every router of ours answers beside its own routes.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{self, Next};
use axum::response::Response;

use crate::card_number::refuse_in_head;
use crate::{Problem, kinds};

/// Completes a router: bodies are bounded, card numbers in a path, a query or a header are refused, unknown paths and
/// methods are answered with problems, and every problem says which request it was (`instance`).
pub fn with_problems(router: Router, body_bytes_max: usize) -> Router {
    router
        .fallback(async || Problem::new(kinds::NO_SUCH_ROUTE, "Check the path against the API's description."))
        .method_not_allowed_fallback(async || {
            Problem::new(kinds::METHOD_NOT_ALLOWED, "The allow header lists what this path takes.")
        })
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(middleware::from_fn(name_instance))
        // Outermost, so that no answer names a path that holds a card number.
        .layer(middleware::from_fn(refuse_card_numbers))
}

async fn refuse_card_numbers(request: Request, next: Next) -> Result<Response, Problem> {
    let (mut head, body) = request.into_parts();
    refuse_in_head(&mut head)?;
    Ok(next.run(Request::from_parts(head, body)).await)
}

async fn name_instance(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    Problem::naming(&path, next.run(request)).await
}
