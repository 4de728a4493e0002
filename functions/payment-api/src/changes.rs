//! Handlers of capture, void and refund, which share one use case.

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_problems::Problem;
use http_requests::{JsonBody, PathParameter};
use openapi_routes::{Input, Operation};
use payment_events::{PaymentId, TraceParent};
use payments::{Change, ChangeError, ChangeRequest, Changed, Preconditions, RequestKey};
use schemars::SchemaGenerator;

use crate::caller::CalledBy;
use crate::etag::etag;
use crate::headers::{ConditionalOn, OptionalTrace};
use crate::idempotency_key::{OptionalKey, RequiredKey};
use crate::messages::{EmptyBody, PartBody};
use crate::problems;
use crate::service::{IDEMPOTENT_REPLAYED, Service};

pub(crate) async fn capture(requested: RequestedChange, body: Option<JsonBody<PartBody>>) -> Result<Response, Problem> {
    requested.apply(Change::Capture(PartBody::money(body)?)).await
}

pub(crate) async fn void(requested: RequestedChange, _: Option<JsonBody<EmptyBody>>) -> Result<Response, Problem> {
    requested.apply(Change::Void).await
}

/// Requires an idempotency key. The state machine allows one capture or void of a payment, but several partial refunds,
/// so that only the key identifies a repeated refund.
pub(crate) async fn refund(
    _: RequiredKey,
    requested: RequestedChange,
    body: Option<JsonBody<PartBody>>,
) -> Result<Response, Problem> {
    requested.apply(Change::Refund(PartBody::money(body)?)).await
}

/// A request to change a payment, without its body: payment, key and conditions.
pub(crate) struct RequestedChange {
    service: Service,
    called_by: CalledBy,
    payment_id: PaymentId,
    key: Option<RequestKey>,
    preconditions: Preconditions,
    trace_parent: Option<TraceParent>,
}

impl RequestedChange {
    async fn apply(self, change: Change) -> Result<Response, Problem> {
        let Self { service, called_by, payment_id, key, preconditions, trace_parent } = self;
        let access = called_by.access.clone();
        let request = ChangeRequest { payment_id, change, access, key, preconditions, trace_parent };
        match service.change.change(&request).await {
            Ok(Changed { payment, published }) => {
                Ok(service.respond(StatusCode::OK, change.name(), &called_by.caller, payment, published.as_ref()))
            }
            Err(ChangeError::NotAccessible) => Err(called_by.denied(&request.payment_id)),
            Err(error) => {
                let header = header_of(&error);
                let mut response = problems::not_changed(error, &request.payment_id).into_response();
                response.headers_mut().extend(header);
                Ok(response)
            }
        }
    }
}

/// Returns the header that the response to an error has in addition to its problem.
fn header_of(error: &ChangeError) -> Option<(HeaderName, HeaderValue)> {
    match error {
        ChangeError::VersionMismatch { version } => etag(*version).map(|etag| (ETAG, etag)),
        ChangeError::Refused { replayed: true, .. } => Some((IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"))),
        _ => None,
    }
}

impl FromRequestParts<Service> for RequestedChange {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let PathParameter(payment_id) = PathParameter::from_request_parts(parts, service).await?;
        let ConditionalOn(preconditions) = ConditionalOn::from_request_parts(parts, service).await?;
        let OptionalKey(key) = OptionalKey::from_request_parts(parts, service).await?;
        let Ok(called_by) = CalledBy::from_request_parts(parts, service).await;
        let key = key.map(|key| RequestKey::given(&called_by.caller, &payment_id, &key));
        let Ok(OptionalTrace(trace_parent)) = OptionalTrace::from_request_parts(parts, service).await;
        Ok(Self { service: service.clone(), called_by, payment_id, key, preconditions, trace_parent })
    }
}

impl Input for RequestedChange {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        PathParameter::<PaymentId>::describe(operation, schemas);
        OptionalKey::describe(operation, schemas);
        ConditionalOn::describe(operation, schemas);
        OptionalTrace::describe(operation, schemas);
    }
}
