//! TLS listener with a generated self-signed certificate.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::serve::Listener;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

/// Creates an acceptor for 127.0.0.1, and writes its certificate to this file.
pub(crate) fn acceptor(certificate: &Path) -> io::Result<TlsAcceptor> {
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).map_err(io::Error::other)?;
    std::fs::write(certificate, signed.cert.pem())?;
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(io::Error::other)?.with_no_client_auth();
    let config = config.with_single_cert(vec![signed.cert.into()], key).map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Accepts TLS over the connections of another listener.
pub(crate) struct TlsListener {
    address: SocketAddr,
    established: Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    accepting: AbortHandle,
}

impl TlsListener {
    /// Starts accepting. Handshakes run concurrently, as with separate services.
    pub(crate) fn new(
        mut listener: impl Listener<Io = TcpStream, Addr = SocketAddr>,
        acceptor: TlsAcceptor,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, established) = mpsc::channel(1);
        let accepting = tokio::spawn(async move {
            loop {
                let (connection, address) = listener.accept().await;
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    if let Ok(connection) = acceptor.accept(connection).await {
                        // If the server has stopped, the connection is closed.
                        let _ = sender.send((connection, address)).await;
                    }
                });
            }
        });
        Ok(Self { address, established, accepting: accepting.abort_handle() })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match self.established.recv().await {
            Some(established) => established,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
