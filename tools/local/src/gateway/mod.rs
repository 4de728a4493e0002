//! API Gateway: the routes of both APIs on one port, as REST APIs and HTTP APIs with Lambda proxy integration answer them.

mod http_api;
mod response;
mod rest_api;
mod routes;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use serde_json::Value;

use crate::faults::{Caller, Connection, Ending, Faults, Moment};
use crate::lambda::{InvokeError, Lambda, PAYLOAD_BYTES_MAX};
use crate::log::LogSink;
use crate::template::{PayloadFormat, Route};
use response::GatewayError;
use routes::{RouteMatch, Routes};

/// API Gateway takes no larger body.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

/// How long API Gateway waits for a function.
fn integration_timeout(format: PayloadFormat) -> Duration {
    match format {
        PayloadFormat::V1 => Duration::from_secs(29),
        PayloadFormat::V2 => Duration::from_secs(30),
    }
}

struct Gateway {
    routes: Routes,
    /// Of the APIs, where a path belongs to none of them.
    format: PayloadFormat,
    lambda: Arc<Lambda>,
    faults: Arc<Faults>,
    log: LogSink,
}

/// Serves the routes, each by its function and behind its faults. The router must be told the [`Connection`].
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
    let Ok(body) = read(body).await else {
        return GatewayError::TooLarge.response(format);
    };
    let event = event(&found, &parts, &body, connection.client).to_string();
    if event.len() > PAYLOAD_BYTES_MAX {
        return GatewayError::TooLarge.response(format);
    }
    gateway.answer(found.route, Bytes::from(event), caller.as_ref(), &connection).await
}

/// Returns the event for a request that was found to be of that route.
fn event(found: &RouteMatch<'_>, parts: &Parts, body: &Bytes, client: SocketAddr) -> Value {
    match found.route.format {
        PayloadFormat::V1 => rest_api::event(found, parts, body, client),
        PayloadFormat::V2 => http_api::event(found, parts, body, client),
    }
}

/// A body that is too large is read no further, nor is one that breaks off.
async fn read(body: Body) -> Result<Bytes, axum::Error> {
    axum::body::to_bytes(body, BODY_BYTES_MAX).await
}

impl Gateway {
    /// What the route's function answers, or what a fault makes of that.
    async fn answer(&self, route: &Route, event: Bytes, caller: Option<&Caller>, connection: &Connection) -> Response {
        let invoke = async || {
            let answer = self.invoke(route, event).await;
            answer.unwrap_or_else(|own| own.response(route.format))
        };
        let (moment, kills) = match self.faults.apply_to_request(route, caller).await {
            Some(Ending::Error(error)) => return response::injected(&error),
            // Both flavours say so when they throttle by themselves.
            Some(Ending::Throttle) => return GatewayError::Throttled.response(PayloadFormat::V1),
            Some(Ending::Reset(moment)) => (moment, false),
            Some(Ending::Kill(moment)) => (moment, true),
            // No route answers entry by entry.
            Some(Ending::Partial(_)) | None => return invoke().await,
        };
        if moment == Moment::After {
            invoke().await;
        }
        if kills {
            self.faults.kill(caller).await;
        }
        connection.reset();
        // Nobody sees this answer.
        GatewayError::Stopping.response(route.format)
    }

    async fn invoke(&self, route: &Route, event: Bytes) -> Result<Response, GatewayError> {
        let function = self.lambda.function(&route.function).ok_or(GatewayError::Failed)?;
        let name = &function.spec.binary;
        match tokio::time::timeout(integration_timeout(route.format), function.invoke(event)).await {
            Ok(Ok(answer)) => response::response(&answer, route.format).map_err(|reason| {
                self.log.warn(&format!("{name} returned what is no HTTP response: {reason}"));
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
