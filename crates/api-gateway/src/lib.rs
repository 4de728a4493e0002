//! Serves an axum router from a Lambda function behind API Gateway.
//!
//! API Gateway invokes a function with an event for each request, and makes its answer of what the function returns
//! (Lambda proxy integration). REST APIs do so in payload format 1.0, HTTP APIs and function URLs in 2.0; this crate
//! takes both, and answers in the one that it was asked in. Of an event it reads what makes a request and who made it,
//! in one pass, and nothing else.
//!
//! - A request's target is in origin form (`/orders?x=1`), as an HTTP server has it; its host is in the header.
//! - The path is what the event says. An HTTP API puts a stage before it, unless the stage is `$default`.
//! - Whoever made the request is its extension [`Identity`], where an authorizer says who that is.
//! - An event that is none of API Gateway's fails its invocation with an error that says why.
//!
//! Source: [REST APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html)
//! and [HTTP APIs](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).

mod event;
mod identity;
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

/// Where API Gateway gives every request a trace, as X-Ray spells it.
const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// Answers invocations with what `router` answers, one after the other, until the sandbox ends.
///
/// What is logged meanwhile is within a span that has the invocation's `requestId`.
///
/// # Panics
///
/// Outside of a Lambda sandbox, where the variables are missing that Lambda sets (`AWS_LAMBDA_RUNTIME_API` and others).
pub async fn run(router: Router) -> Result<(), Error> {
    lambda_runtime::run(service_fn(|event| handle(router.clone(), event))).await
}

/// Answers one invocation, as [`run`] does.
///
/// The request has the trace that Lambda gives its invocation, rather than the one that came with the request.
pub async fn handle(router: Router, event: LambdaEvent<ProxyRequest>) -> Result<ProxyResponse, InvalidResponse> {
    let ProxyRequest { mut request, format } = event.payload;
    let trace = event.context.xray_trace_id.map(HeaderValue::try_from);
    if let Some(Ok(trace)) = trace {
        request.headers_mut().insert(TRACE, trace);
    }
    let Ok(response) = router.oneshot(request).await;
    ProxyResponse::new(response, format).await
}
