//! HTTP server on a free port of 127.0.0.1.

use std::io;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::tls::TlsListener;

/// A running server. It stops when dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    /// `127.0.0.1:<port>`.
    pub(crate) address: String,
    task: AbortHandle,
}

impl Serving {
    /// Starts serving, over TLS if there is an acceptor. Calls `accepted` for each connection.
    pub(crate) async fn start(
        router: Router,
        tls: Option<TlsAcceptor>,
        accepted: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let listener = listener.tap_io(move |connection: &mut TcpStream| {
            accepted();
            // An optimisation that may fail.
            let _ = connection.set_nodelay(true);
        });
        let task = match tls {
            None => tokio::spawn(async move { axum::serve(listener, router).await }),
            Some(tls) => {
                let listener = TlsListener::new(listener, tls)?;
                tokio::spawn(async move { axum::serve(listener, router).await })
            }
        };
        Ok(Self { address, task: task.abort_handle() })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}
