//! Problem responses of a router beyond those of its routes.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use uri_paths::{ClientPath, has_encoded_slash};

use crate::problem::instance;
use crate::{Problem, builtin};

/// Completes a router: unknown paths and methods become problems, and every problem names the path that the client sent
/// (`instance`).
///
/// Two kinds of path have no route, whatever the router matches. Gateways differ in them, so that another route than the
/// authorized one could be served:
///
/// - a path with an encoded slash (`%2F`), which some gateways decode before they match, and some after;
/// - a path that the gateway in front matched to no route of the API ([`ClientPath::is_unrouted`]).
pub fn with_problems(router: Router) -> Router {
    let router = router.fallback(async || no_such_route()).method_not_allowed_fallback(async || {
        Problem::new(builtin::METHOD_NOT_ALLOWED, "The allow header lists the methods of this path.")
    });
    // Layers of this router are outside of the routes. Inside, axum would add `allow` to their own responses, too.
    Router::new().fallback_service(router).layer(middleware::from_fn(name_instance))
}

async fn name_instance(request: Request, next: Next) -> Response {
    let instance = instance(request.extensions(), request.uri());
    let client = request.extensions().get::<ClientPath>();
    let is_unrouted = client.is_some_and(|client| client.is_unrouted) || has_encoded_slash(request.uri().path());
    let response = async { if is_unrouted { no_such_route().into_response() } else { next.run(request).await } };
    Problem::naming_instance(instance, response).await
}

fn no_such_route() -> Problem {
    Problem::new(builtin::NO_SUCH_ROUTE, "Check the path against the API's description.")
}
