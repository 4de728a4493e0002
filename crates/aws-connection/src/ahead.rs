//! Connections before the first event needs them.
//!
//! A TLS handshake takes a small sandbox up to a second. During init nobody waits for it yet and there is a whole processor
//! for it; afterwards it would be most of the first request's time, and more than publishing waits for Kinesis.

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

/// How long a connection is kept that nobody has asked for: as long as hyper keeps those that are idle. What is between both
/// sides forgets older ones, and tells nobody.
///
/// It goes by the time of day, because a sandbox between two requests is frozen and its other clocks may be, too.
const KEPT: Duration = Duration::from_secs(90);

/// What requests are sent over.
pub(crate) type Connection = MaybeHttpsStream<TokioIo<TcpStream>>;
/// What makes a connection to the scheme and the authority of a URI.
pub(crate) type Connector = BoxCloneSyncService<Uri, Connection, BoxError>;

/// What tells the time of day.
pub(crate) type Clock = fn() -> SystemTime;

/// A connector that may connect ahead: whoever asks it for a connection is given the one that was made ahead, if there is one,
/// and a new one otherwise. Clones share what was made.
#[derive(Debug, Clone)]
pub(crate) struct Ahead {
    connector: Connector,
    clock: Clock,
    /// When, and what: at most one for each scheme and authority.
    made: Arc<Mutex<HashMap<Uri, (SystemTime, Connection)>>>,
}

impl Ahead {
    pub(crate) fn new(connector: Connector, clock: Clock) -> Self {
        Self { connector, clock, made: Arc::default() }
    }

    /// Connects to whoever is at `url`, and keeps that for the first who asks.
    pub(crate) async fn connect(&self, url: &str) -> Result<(), BoxError> {
        let mut parts = Uri::try_from(url)?.into_parts();
        // As the pool of connections asks for it.
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

/// Where the clock was set back nobody knows how old it is.
fn is_fresh(made: SystemTime, now: SystemTime) -> bool {
    now.duration_since(made).is_ok_and(|age| age < KEPT)
}

/// Whether the other side still listens: it has nothing to say before it is asked, so that whatever there is to read is the end.
async fn is_open(connection: &mut Connection) -> bool {
    let mut byte = [0];
    let mut buffer = ReadBuf::new(&mut byte);
    poll_fn(|context| Poll::Ready(Pin::new(&mut *connection).poll_read(context, buffer.unfilled()).is_pending())).await
}
