//! API Gateway: the routes of both APIs on one port, as REST APIs with Lambda proxy integration answer them.

mod request;
mod response;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;

use crate::faults::{Caller, Connection, Ending, Faults, Moment};
use crate::lambda::{InvokeError, Lambda, PAYLOAD_BYTES_MAX};
use crate::log::LogSink;
use crate::template::Route;
use routes::Routes;

/// API Gateway takes no larger body.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// How long API Gateway waits for a function.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);

struct Gateway {
    routes: Routes,
    lambda: Arc<Lambda>,
    faults: Arc<Faults>,
    log: LogSink,
}

/// Serves the routes, each by its function and behind its faults. The router must be told the [`Connection`].
pub(crate) fn router(routes: &[Route], lambda: &Arc<Lambda>, faults: &Arc<Faults>, log: &LogSink) -> Router {
    let (lambda, faults) = (Arc::clone(lambda), Arc::clone(faults));
    let gateway = Gateway { routes: Routes::new(routes), lambda, faults, log: log.clone() };
    Router::new().fallback(handle).with_state(Arc::new(gateway))
}

async fn handle(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some(found) = gateway.routes.find(parts.method.as_str(), parts.uri.path()) else {
        // This is how API Gateway says that there is no such route.
        return response::own(StatusCode::FORBIDDEN, "Missing Authentication Token");
    };
    let Ok(body) = read(body).await else {
        return response::own(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
    };
    let event = request::event(&found, &parts, &body, connection.client).to_string();
    if event.len() > PAYLOAD_BYTES_MAX {
        return response::own(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
    }
    let caller = gateway.faults.caller(&parts.headers);
    gateway.answer(found.route, Bytes::from(event), caller.as_ref(), &connection).await
}

/// A body that is too large is read no further, nor is one that breaks off.
async fn read(body: Body) -> Result<Bytes, axum::Error> {
    axum::body::to_bytes(body, BODY_BYTES_MAX).await
}

impl Gateway {
    /// What the route's function answers, or what a fault makes of that.
    async fn answer(&self, route: &Route, event: Bytes, caller: Option<&Caller>, connection: &Connection) -> Response {
        let invoke = async || {
            let answer = self.invoke(&route.function, event).await;
            answer.unwrap_or_else(|(status, message)| response::own(status, message))
        };
        let (moment, kills) = match self.faults.of_request(route, caller).await {
            Some(Ending::Error(error)) => return response::injected(&error),
            Some(Ending::Throttle) => return response::own(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
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
        response::own(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
    }

    async fn invoke(&self, function: &str, event: Bytes) -> Result<Response, (StatusCode, &'static str)> {
        const FAILED: (StatusCode, &str) = (StatusCode::BAD_GATEWAY, "Internal server error");
        let function = self.lambda.function(function).ok_or(FAILED)?;
        let name = &function.spec.binary;
        match tokio::time::timeout(INTEGRATION_TIMEOUT, function.invoke(event)).await {
            Ok(Ok(answer)) => response::response(&answer).map_err(|reason| {
                self.log.warn(&format!("{name} returned what is no HTTP response: {reason}"));
                FAILED
            }),
            Ok(Err(InvokeError::Throttled)) => Err((StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")),
            Ok(Err(InvokeError::Stopping)) => Err((StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")),
            Ok(Err(error)) => {
                self.log.warn(&format!("{name} failed: {error}"));
                Err(FAILED)
            }
            Err(_elapsed) => Err((StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out")),
        }
    }
}
