//! Fault injection in front of an emulator. Every HTTP call to it passes through here; calls of functions are counted.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::connection::{self, Connection};
use super::detach_on_drop::DetachOnDrop;
use super::fault::Moment;
use super::registry::Ending;
use super::{Faults, partial, reorder};
use crate::emulators::{Emulator, operation_of};
use crate::same_origin::{Guarded, guard};
use crate::usage::{dynamodb, kinesis};

/// Maximum request size of either service.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Clone)]
struct FaultInjector {
    emulator: Emulator,
    faults: Arc<Faults>,
}

/// Serves an emulator behind fault injection and the guard against other websites, until `stop` is cancelled and the
/// requests in flight have completed.
pub(crate) fn serve(
    listener: TcpListener,
    router: Router,
    emulator: Emulator,
    faults: &Arc<Faults>,
    stop: &CancellationToken,
) -> JoinHandle<()> {
    let injector = FaultInjector { emulator, faults: Arc::clone(faults) };
    let behind_faults = router.layer(middleware::from_fn_with_state(injector, intercept));
    connection::serve(listener, guard(behind_faults, Guarded::Emulator(emulator)), stop)
}

async fn intercept(
    State(injector): State<FaultInjector>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    // The whole body is read before faults are evaluated, so a call fails either before or after its effect, never
    // halfway.
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    // As on AWS, a call that has arrived is executed even if its caller is killed or times out in the meantime.
    DetachOnDrop::new(async move { injector.carry_out(parts, body, &connection, next).await }).await
}

impl FaultInjector {
    async fn carry_out(&self, parts: Parts, body: Bytes, connection: &Connection, next: Next) -> Response {
        let Some(caller) = self.faults.callers.of(&parts.headers) else {
            return forward(next, parts, body).await;
        };
        let operation = operation_of(&parts.headers).to_owned();
        let ending = self.faults.apply_to_call(self.emulator.service(), &operation, &caller.name).await;
        let reach = |body| {
            self.faults.count(&caller.name, self.emulator.service(), &operation);
            self.forward_and_meter(&caller.name, &operation, next, parts, body)
        };
        match ending {
            None => reach(body).await,
            Some(Ending::Error(error)) => self.emulator.answer(&error),
            Some(Ending::Throttle) => self.emulator.answer(&self.emulator.throttled()),
            Some(Ending::Reset(moment)) => {
                if moment == Moment::After {
                    reach(body).await;
                }
                reset_connection(connection)
            }
            Some(Ending::Kill(moment)) => {
                if moment == Moment::After {
                    reach(body).await;
                }
                self.faults.callers.kill(&caller).await;
                reset_connection(connection)
            }
            Some(Ending::Partial(mut rejections)) => partial::put_records(body, &mut rejections, reach).await,
            Some(Ending::Reorder(mut rng)) => reorder::put_records(body, &mut rng, reach).await,
        }
    }

    /// Forwards a function's call to the emulator and meters its usage.
    async fn forward_and_meter(
        &self,
        caller: &str,
        operation: &str,
        next: Next,
        parts: Parts,
        body: Bytes,
    ) -> Response {
        let (metered, body) = match self.emulator {
            Emulator::DynamoDb => dynamodb::request_capacity(operation, body),
            Emulator::Kinesis | Emulator::SecretsManager => (None, body),
        };
        let (parts, answer) = forward(next, parts, body.clone()).await.into_parts();
        let Ok(answer) = axum::body::to_bytes(answer, BODY_BYTES_MAX).await else { return parts.into_response() };
        let (meter, is_success) = (self.faults.meter(), parts.status.is_success());
        if let Some(call) = metered {
            for (table, units) in dynamodb::used(&call, is_success, &answer) {
                meter.table(caller, &table, units);
            }
        } else if self.emulator == Emulator::Kinesis
            && is_success
            && let Some((stream, units)) = kinesis::used(operation, &body, &answer)
        {
            meter.stream(caller, &stream, units);
        }
        Response::from_parts(parts, Body::from(answer))
    }
}

/// Forwards a call to the emulator.
async fn forward(next: Next, mut parts: Parts, body: Bytes) -> Response {
    // The body may have been rewritten: capacity requested, or entries of `PutRecords` rejected.
    parts.headers.insert(http::header::CONTENT_LENGTH, body.len().into());
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// Marks the connection for reset. The returned response is never sent.
fn reset_connection(connection: &Connection) -> Response {
    connection.reset();
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
