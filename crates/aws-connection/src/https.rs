//! HTTP client of all AWS clients: hyper with rustls over HTTP/1.1, with one connection pool.
//!
//! It does what the SDK's default client does for a function, without HTTP/2, which the calls to DynamoDB and Kinesis
//! do not need, and without proxies (docs/adr/0018).

use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::iter::successors;
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::display::DisplayErrorContext;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;

use crate::ahead::{Ahead, Clock};
use crate::trust::Trust;

/// Time limit of connecting, TLS handshake included.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// HTTP client for `https` URLs, and for the plain `http` URLs of emulators. Clones share one connection pool.
///
/// A call ends when the head of the response has arrived or the connection failed. Only connecting has a time limit
/// here: AWS clients are configured with [`timeouts`](crate::timeouts), other callers set a limit of their own.
#[derive(Debug, Clone)]
pub struct Https {
    requests: SharedHttpConnector,
    connections: Ahead,
}

impl Https {
    /// Creates a client with its own connection pool.
    pub fn new(trust: Trust) -> Self {
        Self::connecting_within(trust, CONNECT_MAX)
    }

    /// Like [`Https::new`], with this clock for the age of connections.
    pub fn by_clock(trust: Trust, clock: fn() -> SystemTime) -> Self {
        Self::build(trust, CONNECT_MAX, clock)
    }

    /// Like [`Https::new`], with this time limit on connecting.
    pub fn connecting_within(trust: Trust, connect_max: Duration) -> Self {
        Self::build(trust, connect_max, SystemTime::now)
    }

    fn build(trust: Trust, connect_max: Duration, clock: Clock) -> Self {
        let mut tcp = legacy::connect::HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new().with_tls_config(trust.client_config());
        let connector = Timeout::new(tls.https_or_http().enable_http1().wrap_connector(tcp), connect_max);
        let connections = Ahead::new(BoxCloneSyncService::new(connector), clock);
        let client =
            legacy::Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connections.clone());
        Self { requests: SharedHttpConnector::new(Hyper(client)), connections }
    }

    /// Connects to `url`, TLS handshake included, so that the first request there finds a connection. A failure is
    /// logged, and the first request connects itself.
    pub async fn connect(&self, url: &str) {
        if let Err(error) = self.connections.connect(url).await {
            let error = DisplayErrorContext(&*error);
            tracing::warn!(%error, "could not connect to {url} before the first event; the first request will try again");
        }
    }
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.requests.call(request)
    }
}

impl HttpClient for Https {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.requests.clone()
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("hyper", Some(Cow::Borrowed("1.x"))))
    }
}

#[derive(Debug)]
struct Hyper(legacy::Client<Ahead, SdkBody>);

impl HttpConnector for Hyper {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        // The SDK discards the connection of a response that points to a broken server, so that a retry uses another
        // one.
        let captured = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || connection(captured.clone()));
        }
        let pending = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let response = pending.await.map_err(failed)?.map(SdkBody::from_body_1_x);
            HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn connection(captured: CaptureConnection) -> Option<ConnectionMetadata> {
    captured.connection_metadata().as_ref()?;
    let poison = move || captured.connection_metadata().iter().for_each(legacy::connect::Connected::poison);
    Some(ConnectionMetadata::builder().proxied(false).poison_fn(poison).build())
}

/// Maps failures on the wire to I/O errors, which the SDK retries.
fn failed(error: legacy::Error) -> ConnectorError {
    if error.is_connect() {
        return ConnectorError::io(error.into()).never_connected();
    }
    let on_the_wire = |cause: &(dyn Error + 'static)| {
        let broken = |error: &hyper::Error| error.is_incomplete_message() || error.is_canceled() || error.is_closed();
        cause.is::<io::Error>() || cause.downcast_ref().is_some_and(broken)
    };
    if successors(Some(&error as &(dyn Error + 'static)), |&cause| cause.source()).any(on_the_wire) {
        return ConnectorError::io(error.into());
    }
    ConnectorError::other(error.into(), None)
}
