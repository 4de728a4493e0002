//! TLS stand-in for the services that functions call.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

/// Response to every call. Each client used here reads it as success.
const ANSWER: &str = r#"{"ShardId":"shardId-000000000000","SequenceNumber":"1"}"#;

/// A service that answers every call, and counts connections and calls.
pub(super) struct Aws {
    address: SocketAddr,
    counted: Arc<Counted>,
}

#[derive(Default)]
struct Counted {
    connections: AtomicUsize,
    established: watch::Sender<usize>,
    calls: AtomicUsize,
}

impl Aws {
    /// Starts three services with one certificate, and writes the certificate to this file.
    pub(super) async fn start_three(certificate: &Path) -> [Self; 3] {
        let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(certificate, signed.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(vec![signed.cert.into()], key).unwrap()));
        [Self::start(&acceptor).await, Self::start(&acceptor).await, Self::start(&acceptor).await]
    }

    async fn start(acceptor: &TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counted = Arc::<Counted>::default();
        let calls = counted.clone();
        let router = Router::new().fallback(answer).with_state(calls);
        let listener = TlsListener { listener, acceptor: acceptor.clone(), counted: counted.clone() };
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, counted }
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Connections accepted. Each is counted before the TLS handshake.
    pub(super) fn connections(&self) -> usize {
        self.counted.connections.load(Ordering::SeqCst)
    }

    /// Waits until this many TLS handshakes have completed.
    pub(super) async fn established(&self, connections: usize) {
        self.counted.established.subscribe().wait_for(|established| *established == connections).await.unwrap();
    }

    /// Calls answered.
    pub(super) fn calls(&self) -> usize {
        self.counted.calls.load(Ordering::SeqCst)
    }
}

async fn answer(State(counted): State<Arc<Counted>>) -> &'static str {
    counted.calls.fetch_add(1, Ordering::SeqCst);
    ANSWER
}

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    counted: Arc<Counted>,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            self.counted.connections.fetch_add(1, Ordering::SeqCst);
            // The handshake fails if the client does not trust the certificate.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                self.counted.established.send_modify(|established| *established += 1);
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
