//! API Gateway: the routes of both APIs on one port, as REST APIs with Lambda proxy integration answer them.

mod request;
mod response;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;

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
    log: LogSink,
}

/// Serves the routes, each by its function. The router must be told who calls ([`ConnectInfo`]).
pub(crate) fn router(routes: &[Route], lambda: &Arc<Lambda>, log: &LogSink) -> Router {
    let gateway = Gateway { routes: Routes::new(routes), lambda: Arc::clone(lambda), log: log.clone() };
    Router::new().fallback(handle).with_state(Arc::new(gateway))
}

async fn handle(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
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
    let event = request::event(&found, &parts, &body, client).to_string();
    if event.len() > PAYLOAD_BYTES_MAX {
        return response::own(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
    }
    let answer = gateway.invoke(&found.route.function, Bytes::from(event)).await;
    answer.unwrap_or_else(|(status, message)| response::own(status, message))
}

/// A body that is too large is read no further, nor is one that breaks off.
async fn read(body: Body) -> Result<Bytes, axum::Error> {
    axum::body::to_bytes(body, BODY_BYTES_MAX).await
}

impl Gateway {
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
