//! The HTTP server. It uses hyper's connections directly, because it must break them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{Method, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::{Mutex, MutexGuard};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::api::{Plan, plan};
use crate::{Ledger, Misbehaviour};

/// Maximum size of a request body, in bytes.
const BODY_BYTES_MAX: usize = 65_536;
/// Maximum number of requests in the list of requests. Later ones are not listed.
const REQUESTS_MAX: usize = 100_000;
/// Size of the body of [`Misbehaviour::Long`], in bytes.
const LONG: usize = 1_048_576;

/// A request that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path.
    pub path: String,
    /// Value of the header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// API key in the header `Authorization`.
    pub bearer: Option<String>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) ledger: Ledger,
    pub(crate) misbehaviours: VecDeque<Misbehaviour>,
    pub(crate) api_keys: Vec<String>,
    requests: Vec<Request>,
}

/// A running stub. Dropping it closes all connections.
pub struct Stub {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

type Body = BoxBody<Bytes, io::Error>;

impl Stub {
    /// Starts a stub that accepts this API key and has these charges. Port 0 picks a free port.
    pub async fn start(listen: SocketAddr, api_key: &str, ledger: Ledger) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let state = State { ledger, api_keys: vec![api_key.to_owned()], ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let server = tokio::spawn(serve(listener, state.clone()));
        Ok(Self { address, state, server })
    }

    /// Returns the base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address that the stub listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes the next requests misbehave, each in one of these ways.
    pub fn misbehave(&self, misbehaviours: impl IntoIterator<Item = Misbehaviour>) {
        self.state().misbehaviours.extend(misbehaviours);
    }

    /// Accepts this API key only.
    pub fn rotate_api_key(&self, api_key: &str) {
        self.state().api_keys = vec![api_key.to_owned()];
    }

    /// Returns a copy of the charges.
    pub fn ledger(&self) -> Ledger {
        self.state().ledger.clone()
    }

    /// Returns all requests, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Stops listening, closes all connections, and returns the charges.
    pub async fn stop(mut self) -> Ledger {
        self.server.abort();
        // Cancelled.
        let _ = (&mut self.server).await;
        self.ledger()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that failed before it was accepted concerns its client only.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, state.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, state: Arc<Mutex<State>>) {
    // Without TCP_NODELAY, the second part of a response waits for 40 ms.
    let Ok((stream, second)) = stream.set_nodelay(true).and_then(|()| with_second_handle(stream)) else { return };
    let service = service_fn(move |request| respond(request, state.clone(), second.clone()));
    // Ends with an error if the stub or its client broke the connection.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Returns the connection, and a second handle to reset it with.
fn with_second_handle(stream: TcpStream) -> io::Result<(TcpStream, Arc<TcpStream>)> {
    let stream = stream.into_std()?;
    let second = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, Arc::new(TcpStream::from_std(second)?)))
}

async fn respond(
    request: http::Request<Incoming>,
    state: Arc<Mutex<State>>,
    connection: Arc<TcpStream>,
) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(io::Error::other)?.to_bytes();
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let request = Request {
        method: head.method.clone(),
        path: head.uri.path().to_owned(),
        idempotency_key: header("idempotency-key").map(str::to_owned),
        bearer: header(AUTHORIZATION.as_str()).and_then(|text| text.strip_prefix("Bearer ")).map(str::to_owned),
    };
    let Plan { answer: (status, answer), misbehaviour } = {
        let mut state = state.lock();
        let plan = plan(&mut state, &request, &body);
        if state.requests.len() < REQUESTS_MAX {
            state.requests.push(request);
        }
        plan
    };
    let answer = answer.to_string();
    match misbehaviour {
        Some(Misbehaviour::Slow { ms }) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Some(Misbehaviour::Hang) => std::future::pending().await,
        Some(Misbehaviour::Status { status, .. }) => return response(status, r#"{"error":"requested"}"#.to_owned()),
        Some(Misbehaviour::Body { body }) => return response(200, body),
        Some(Misbehaviour::Long) => return response(200, " ".repeat(LONG)),
        Some(Misbehaviour::Truncate) => return truncated(status, &answer),
        Some(Misbehaviour::Redirect { location }) => {
            let mut response = response(307, String::new())?;
            let location = location.try_into().map_err(io::Error::other)?;
            response.headers_mut().insert(LOCATION, location);
            return Ok(response);
        }
        Some(Misbehaviour::Reset { .. }) => {
            connection.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Some(Misbehaviour::Duplicate | Misbehaviour::Forget | Misbehaviour::Pending) | None => {}
    }
    response(status, answer)
}

fn response(status: u16, body: String) -> Result<Response<Body>, io::Error> {
    let body = Full::new(Bytes::from(body)).map_err(|never: Infallible| match never {}).boxed();
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    response.body(body).map_err(io::Error::other)
}

/// Announces the whole body, sends half of it, and breaks the connection.
fn truncated(status: u16, body: &str) -> Result<Response<Body>, io::Error> {
    let half = body.as_bytes().get(..body.len() / 2).map(Bytes::copy_from_slice).unwrap_or_default();
    let broken = async {
        // hyper sends the first half before it waits.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    };
    let frames = stream::iter([Ok(Frame::data(half))]).chain(stream::once(broken));
    let response = Response::builder().status(status).header(CONTENT_LENGTH, body.len());
    response.body(BodyExt::boxed(StreamBody::new(frames))).map_err(io::Error::other)
}
