//! Problem responses of a router beyond those of its routes.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;

use crate::{Problem, builtin};

/// Completes a router: unknown paths and methods become problems, and every problem names the request's path
/// (`instance`).
pub fn with_problems(router: Router) -> Router {
    router
        .fallback(async || Problem::new(builtin::NO_SUCH_ROUTE, "Check the path against the API's description."))
        .method_not_allowed_fallback(async || {
            Problem::new(builtin::METHOD_NOT_ALLOWED, "The allow header lists the methods of this path.")
        })
        .layer(middleware::from_fn(name_instance))
}

async fn name_instance(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    Problem::naming_instance(&path, next.run(request)).await
}
