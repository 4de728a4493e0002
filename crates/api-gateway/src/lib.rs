//! Serves an axum router from a Lambda function behind API Gateway.
//!
//! API Gateway invokes a function with one event per request and turns the function's result into the response (Lambda
//! proxy integration). REST APIs use payload format 1.0, HTTP APIs and function URLs use 2.0. This crate reads both and
//! responds in the format of the event. It reads the request and its caller from an event in one pass, and nothing
//! else.
//!
//! - A request's target is in origin form (`/orders?x=1`), as an HTTP server sees it; the host is in its header.
//! - The path is that of the route, without the stage and the base path of a custom domain. The whole path that the
//!   client sent is the request extension [`ClientPath`].
//! - The caller is the request extension [`Identity`], if the route has an authorizer.
//! - An event that is not from API Gateway fails its invocation with an error that gives the reason.
//!
//! Source: [REST APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html)
//! and [HTTP APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod event;
mod identity;
mod path;
mod request;
mod response;
mod target;

use axum::Router;
use http::{HeaderName, HeaderValue};
use lambda_runtime::tower::ServiceExt;
use lambda_runtime::{LambdaEvent, service_fn};

pub use identity::Identity;
pub use lambda_runtime::Error;
pub use request::ProxyRequest;
pub use response::{BODY_BYTES_MAX, InvalidResponse, ProxyResponse};
pub use uri_paths::ClientPath;

/// Header in which API Gateway passes each request's X-Ray trace.
const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// Serves invocations with `router`, one at a time, until the sandbox ends.
///
/// Log lines of an invocation are in a span that has its `requestId`.
///
/// # Panics
///
/// Outside a Lambda sandbox, where variables that Lambda sets are missing (`AWS_LAMBDA_RUNTIME_API` and others).
pub async fn run(router: Router) -> Result<(), Error> {
    lambda_runtime::run(service_fn(|event| handle(router.clone(), event))).await
}

/// Handles one invocation, as [`run`] does.
///
/// The invocation's X-Ray trace replaces the trace header that came with the request.
pub async fn handle(router: Router, event: LambdaEvent<ProxyRequest>) -> Result<ProxyResponse, InvalidResponse> {
    let ProxyRequest { mut request, format } = event.payload;
    let trace = event.context.xray_trace_id.map(HeaderValue::try_from);
    if let Some(Ok(trace)) = trace {
        request.headers_mut().insert(TRACE, trace);
    }
    let Ok(response) = router.oneshot(request).await;
    ProxyResponse::new(response, format).await
}
