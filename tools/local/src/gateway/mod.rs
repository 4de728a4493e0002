//! Emulated API Gateway: the routes of all APIs on one port, for REST APIs and HTTP APIs with Lambda proxy integration.

mod http_api;
mod response;
mod rest_api;
mod routes;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::Method;
use http::request::Parts;
use http_body_util::LengthLimitError;
use serde_json::Value;

use crate::faults::{Caller, Connection, Ending, Faults, Moment};
use crate::lambda::{InvokeError, Lambda, PAYLOAD_BYTES_MAX};
use crate::log::LogSink;
use crate::template::{PayloadFormat, Route};
use response::GatewayError;
use routes::{RouteMatch, Routes};

/// Largest request body that API Gateway accepts.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Returns the integration timeout of API Gateway.
fn integration_timeout(format: PayloadFormat) -> Duration {
    match format {
        PayloadFormat::V1 => Duration::from_secs(29),
        PayloadFormat::V2 => Duration::from_secs(30),
    }
}

struct Gateway {
    routes: Routes,
    /// Format of error responses to requests that match no route.
    format: PayloadFormat,
    lambda: Arc<Lambda>,
    faults: Arc<Faults>,
    log: LogSink,
}

/// Returns a router that invokes the functions of the routes and applies their faults. It must be served with
/// [`Connection`] as connect info.
pub(crate) fn router(routes: &[Route], lambda: &Arc<Lambda>, faults: &Arc<Faults>, log: &LogSink) -> Router {
    let format = routes.first().map_or(PayloadFormat::V1, |route| route.format);
    let (lambda, faults) = (Arc::clone(lambda), Arc::clone(faults));
    let gateway = Gateway { routes: Routes::new(routes), format, lambda, faults, log: log.clone() };
    Router::new().fallback(handle).with_state(Arc::new(gateway))
}

async fn handle(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some(found) = gateway.routes.find(parts.method.as_str(), parts.uri.path()) else {
        return GatewayError::NoRoute.response(gateway.format);
    };
    let format = found.route.format;
    let caller = gateway.faults.caller(&parts.headers);
    let Route { api, method, path, .. } = found.route;
    gateway.faults.meter().request(api, method, path, caller.as_ref().map(Caller::name));
    let body = match read(body).await {
        Ok(body) => body,
        Err(error) => return error.response(format),
    };
    let event = event(&found, &parts, &body, connection.client).to_string();
    if event.len() > PAYLOAD_BYTES_MAX {
        return GatewayError::TooLarge.response(format);
    }
    gateway.answer(found.route, &parts.method, Bytes::from(event), caller.as_ref(), &connection).await
}

/// Builds the event of a request to the matched route.
fn event(found: &RouteMatch<'_>, parts: &Parts, body: &Bytes, client: SocketAddr) -> Value {
    match found.route.format {
        PayloadFormat::V1 => rest_api::event(found, parts, body, client),
        PayloadFormat::V2 => http_api::event(found, parts, body, client),
    }
}

/// Reads a body. Fails if it is too large, or if the client closes the connection or breaks a chunk before its end.
async fn read(body: Body) -> Result<Bytes, GatewayError> {
    axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|error| {
        let limit = error.source().and_then(|reason| reason.downcast_ref::<LengthLimitError>());
        if limit.is_some() { GatewayError::TooLarge } else { GatewayError::Incomplete }
    })
}

impl Gateway {
    /// Returns the response of the route's function, or applies the fault of the request.
    async fn answer(
        &self,
        route: &Route,
        method: &Method,
        event: Bytes,
        caller: Option<&Caller>,
        connection: &Connection,
    ) -> Response {
        let invoke = async || {
            let answer = self.invoke(route, method, event).await;
            answer.unwrap_or_else(|own| own.response(route.format))
        };
        let (moment, kills) = match self.faults.apply_to_request(route, caller).await {
            Some(Ending::Error(error)) => return response::injected(&error),
            // API Gateway's own throttling has the same response in both formats.
            Some(Ending::Throttle) => return GatewayError::Throttled.response(PayloadFormat::V1),
            Some(Ending::Reset(moment)) => (moment, false),
            Some(Ending::Kill(moment)) => (moment, true),
            // These two apply only to calls of Kinesis.
            Some(Ending::Partial(_) | Ending::Reorder(_)) | None => return invoke().await,
        };
        if moment == Moment::After {
            invoke().await;
        }
        if kills {
            self.faults.kill(caller).await;
        }
        connection.reset();
        // The client never receives this response: the connection is reset.
        GatewayError::Stopping.response(route.format)
    }

    async fn invoke(&self, route: &Route, method: &Method, event: Bytes) -> Result<Response, GatewayError> {
        let function = self.lambda.function(&route.function).ok_or(GatewayError::Failed)?;
        let name = &function.spec.binary;
        match tokio::time::timeout(integration_timeout(route.format), function.invoke(event)).await {
            Ok(Ok(answer)) => response::response(&answer, route.format, method).map_err(|reason| {
                self.log.warn(&format!("{name} returned a malformed proxy response: {reason}"));
                GatewayError::Failed
            }),
            Ok(Err(InvokeError::Throttled)) => Err(GatewayError::Throttled),
            Ok(Err(InvokeError::Stopping)) => Err(GatewayError::Stopping),
            Ok(Err(error)) => {
                self.log.warn(&format!("{name} failed: {error}"));
                Err(GatewayError::Failed)
            }
            Err(_elapsed) => Err(GatewayError::TimedOut),
        }
    }
}
