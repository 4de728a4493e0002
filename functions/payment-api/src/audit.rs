//! Log lines that show who did what: one for each request that made or changed a payment, or was refused.
//!
//! Each line has the `action` (`pay`, `capture`, `void` or `refund`) and the `caller`: a role without its session,
//! another IAM principal, or the subject of a token. `caller` is missing without an authorizer. No line contains a token,
//! a body or an idempotency key.
//!
//! Requests with a card number in their path, query or headers are refused before, and have no such line.

use api_gateway::Identity;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use http_problems::ProblemType;
use payment_events::{PaymentId, TraceParent};
use payments::{Caller, Payment};

/// Logs that this caller made or changed `payment`, or repeated the request that did so.
pub(crate) fn log_done(action: &str, caller: &Caller, payment: &Payment, replayed: bool) {
    let trace_id = payment.trace_parent.as_ref().map(TraceParent::trace_id);
    tracing::info!(action, caller = caller.identity(), payment_id = %payment.payment_id, order_id = %payment.order_id,
        status = %payment.status, version = payment.version, replayed, trace_id,
        "payment {} is {}", payment.payment_id, payment.status);
}

/// Middleware: logs each request to make or change a payment that did not succeed.
pub(crate) async fn log_refusals(request: Request, next: Next) -> Response {
    let Some((action, payment_id)) = requested(request.method(), request.uri().path()) else {
        return next.run(request).await;
    };
    let identity = request.extensions().get::<Identity>().cloned();
    let response = next.run(request).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        let (caller, payment_id) = (identity.as_ref().map(Identity::name), payment_id.as_ref().map(PaymentId::as_str));
        let problem = response.extensions().get::<ProblemType>().map(|problem| problem.name());
        let http_status = response.status().as_u16();
        tracing::info!(action, caller, payment_id, http_status, problem, "{action} responded {http_status}");
    }
    response
}

/// Returns the action that a request asks for, and its payment unless the id is malformed.
fn requested(method: &Method, path: &str) -> Option<(&'static str, Option<PaymentId>)> {
    let mut parts = path.strip_prefix("/payments").filter(|_| method == Method::POST)?.split('/').skip(1);
    let (payment_id, step) = (parts.next(), parts.next());
    let action = match (payment_id, step) {
        (None, None) => "pay",
        (Some(_), Some("capture")) => "capture",
        (Some(_), Some("void")) => "void",
        (Some(_), Some("refund")) => "refund",
        _ => return None,
    };
    Some((action, payment_id.and_then(|id| id.parse().ok())))
}
