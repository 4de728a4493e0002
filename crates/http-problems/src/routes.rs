//! What every router of ours answers beside its own routes.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use crate::{Problem, kinds};

/// Completes a router: bodies are bounded, unknown paths and methods are answered with problems, and every problem says
/// which request it was (`instance`).
pub fn with_problems(router: Router, body_bytes_max: usize) -> Router {
    router
        .fallback(async || Problem::new(kinds::NO_SUCH_ROUTE, "Check the path against the API's description."))
        .method_not_allowed_fallback(async || {
            Problem::new(kinds::METHOD_NOT_ALLOWED, "The allow header lists what this path takes.")
        })
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(middleware::from_fn(name_instance))
}

async fn name_instance(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let named = problem.at(path).into_response();
    let (parts, body) = named.into_parts();
    // What the router itself added (such as `allow`) stays.
    response.headers_mut().extend(parts.headers);
    response.headers_mut().remove(http::header::CONTENT_LENGTH);
    *response.body_mut() = body;
    response
}
