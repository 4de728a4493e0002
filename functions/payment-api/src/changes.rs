//! Handlers of capture, void and refund, which share one use case.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http_problems::Problem;
use http_requests::{JsonBody, PathParameter};
use openapi_routes::{Input, Operation};
use payment_events::{PaymentId, TraceParent};
use payments::{Change, ChangeError, ChangeRequest, Changed, RequestKey};
use schemars::SchemaGenerator;

use crate::caller::CalledBy;
use crate::etag::etag;
use crate::headers::{OnlyVersions, OptionalKey, OptionalTrace, RequiredKey};
use crate::messages::{EmptyBody, PartBody};
use crate::problems;
use crate::service::Service;

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
    key: RequestKey,
    only_versions: Option<Vec<u64>>,
    trace_parent: Option<TraceParent>,
}

impl RequestedChange {
    async fn apply(self, change: Change) -> Result<Response, Problem> {
        let Self { service, called_by, payment_id, key, only_versions, trace_parent } = self;
        let access = called_by.access.clone();
        let request = ChangeRequest { payment_id, change, access, key, only_versions, trace_parent };
        match service.change.change(&request).await {
            Ok(Changed { payment, published }) => {
                Ok(service.respond(StatusCode::OK, change.name(), &called_by.caller, payment, published))
            }
            Err(ChangeError::VersionMismatch { version }) => {
                let mut response = problems::version_mismatch(version).into_response();
                response.headers_mut().extend(etag(version).map(|etag| (ETAG, etag)));
                Ok(response)
            }
            Err(ChangeError::NotAccessible) => Err(called_by.denied(&request.payment_id)),
            Err(error) => Err(problems::not_changed(error, &request.payment_id)),
        }
    }
}

impl FromRequestParts<Service> for RequestedChange {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let PathParameter(payment_id) = PathParameter::from_request_parts(parts, service).await?;
        let OnlyVersions(only_versions) = OnlyVersions::from_request_parts(parts, service).await?;
        let OptionalKey(key) = OptionalKey::from_request_parts(parts, service).await?;
        let Ok(called_by) = CalledBy::from_request_parts(parts, service).await;
        let key = key.map_or_else(RequestKey::random, |key| RequestKey::given(&called_by.caller, &payment_id, &key));
        let Ok(OptionalTrace(trace_parent)) = OptionalTrace::from_request_parts(parts, service).await;
        Ok(Self { service: service.clone(), called_by, payment_id, key, only_versions, trace_parent })
    }
}

impl Input for RequestedChange {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        PathParameter::<PaymentId>::describe(operation, schemas);
        OptionalKey::describe(operation, schemas);
        OnlyVersions::describe(operation, schemas);
        OptionalTrace::describe(operation, schemas);
    }
}
