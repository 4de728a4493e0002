//! Connections made before the first event.
//!
//! A TLS handshake takes up to a second in a small sandbox. During init no request waits for it and the sandbox has a
//! whole processor. Later it would be most of the first request's time, and longer than the direct publish waits for
//! Kinesis.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use http::Uri;
use hyper::rt::{Read, ReadBuf};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt};

/// How long an unused connection is kept: as long as hyper keeps idle ones. Network devices in between may drop older
/// connections silently.
///
/// Measured in wall-clock time: a sandbox is frozen between requests, and its monotonic clock may be frozen with it.
const KEPT: Duration = Duration::from_secs(90);

/// A connection to a server: plain TCP, or TLS over it.
pub(crate) type Connection = MaybeHttpsStream<TokioIo<TcpStream>>;
/// Connects to the scheme and authority of a URI.
pub(crate) type Connector = BoxCloneSyncService<Uri, Connection, BoxError>;

/// Source of wall-clock time.
pub(crate) type Clock = fn() -> SystemTime;

/// A connector that can connect ahead of the first request. It returns the connection made ahead, if that is still
/// usable, and makes a new one otherwise. Clones share the connections made ahead.
#[derive(Debug, Clone)]
pub(crate) struct Ahead {
    connector: Connector,
    clock: Clock,
    /// Connections made ahead and when, at most one for each scheme and authority.
    made: Arc<Mutex<HashMap<Uri, (SystemTime, Connection)>>>,
}

impl Ahead {
    pub(crate) fn new(connector: Connector, clock: Clock) -> Self {
        Self { connector, clock, made: Arc::default() }
    }

    /// Connects to `url` and keeps the connection for the first request there.
    pub(crate) async fn connect(&self, url: &str) -> Result<(), BoxError> {
        let mut parts = Uri::try_from(url)?.into_parts();
        // The form in which hyper's pool requests a connection.
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
        let uri = Uri::from_parts(parts)?;
        let connection = self.connector.clone().oneshot(uri.clone()).await?;
        self.made().insert(uri, ((self.clock)(), connection));
        Ok(())
    }

    fn made(&self) -> MutexGuard<'_, HashMap<Uri, (SystemTime, Connection)>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service<Uri> for Ahead {
    type Response = Connection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let made = self.made().remove(&uri);
        let (connector, now) = (self.connector.clone(), (self.clock)());
        Box::pin(async move {
            if let Some((at, mut connection)) = made
                && is_fresh(at, now)
                && is_open(&mut connection).await
            {
                return Ok(connection);
            }
            connector.oneshot(uri).await
        })
    }
}

/// Returns false if the clock was set back, since the age is then unknown.
fn is_fresh(made: SystemTime, now: SystemTime) -> bool {
    now.duration_since(made).is_ok_and(|age| age < KEPT)
}

/// Returns true if the server has not closed the connection. It sends nothing before a request, so anything to read is
/// the end of the connection.
async fn is_open(connection: &mut Connection) -> bool {
    let mut byte = [0];
    let mut buffer = ReadBuf::new(&mut byte);
    poll_fn(|context| Poll::Ready(Pin::new(&mut *connection).poll_read(context, buffer.unfilled()).is_pending())).await
}
