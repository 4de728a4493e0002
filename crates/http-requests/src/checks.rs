//! Checks of every request before its route handles it.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{self, Next};
use axum::response::Response;
use card_numbers::refuse_in_head;
use http_problems::{Problem, with_problems};

/// Completes a router as [`with_problems`] does, limits the body size, and rejects card numbers in a path, a query or a
/// header.
pub fn with_request_checks(router: Router, body_bytes_max: usize) -> Router {
    with_problems(router)
        .layer(DefaultBodyLimit::max(body_bytes_max))
        // Outermost, so that no response names a path that contains a card number.
        .layer(middleware::from_fn(refuse_card_numbers))
}

async fn refuse_card_numbers(request: Request, next: Next) -> Result<Response, Problem> {
    let (mut head, body) = request.into_parts();
    refuse_in_head(&mut head)?;
    Ok(next.run(Request::from_parts(head, body)).await)
}
