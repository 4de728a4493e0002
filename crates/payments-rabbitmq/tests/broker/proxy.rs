//! TCP proxy before the broker, plain or with TLS, that loses what the broker sends or cuts connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// State of the connections that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Passing,
    /// Everything that the broker sends is lost. Connections that are made later pass.
    AnswersLost,
    Cut,
}

pub(crate) struct Proxy {
    pub(crate) address: String,
    connections: Arc<AtomicUsize>,
    open: watch::Receiver<usize>,
    state: watch::Sender<(State, usize)>,
}

impl Proxy {
    pub(crate) async fn plain(broker: &str) -> Self {
        Self::start(broker, None).await
    }

    /// Ends TLS with a certificate for this name, and returns its authority as PEM.
    pub(crate) async fn tls(broker: &str, name: &str) -> (Self, String) {
        let (acceptor, ca) = acceptor(name);
        (Self::start(broker, Some(acceptor)).await, ca)
    }

    async fn start(broker: &str, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (state, watched) = watch::channel((State::Passing, 0));
        let connections = Arc::new(AtomicUsize::new(0));
        let (broker, counted) = (broker.to_owned(), Arc::clone(&connections));
        let (opened, open) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let (acceptor, broker, watched) = (acceptor.clone(), broker.clone(), watched.clone());
                let opened = opened.clone();
                opened.send_modify(|open| *open += 1);
                tokio::spawn(async move {
                    let broker = TcpStream::connect(broker).await.unwrap();
                    client.set_nodelay(true).unwrap();
                    match acceptor {
                        None => pass(client, broker, watched, number).await,
                        Some(acceptor) => {
                            // A client that does not trust the certificate ends the handshake.
                            if let Ok(client) = acceptor.accept(client).await {
                                pass(client, broker, watched, number).await;
                            }
                        }
                    }
                    opened.send_modify(|open| *open -= 1);
                });
            }
        });
        Self { address, connections, open, state }
    }

    /// Number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until this many connections are open: less than the 30 s after which the broker cuts a connection that it has
    /// agreed to close.
    pub(crate) async fn until_open(&self, number: usize) {
        let mut open = self.open.clone();
        let reached = open.wait_for(|open| *open == number);
        tokio::time::timeout(std::time::Duration::from_secs(20), reached).await.unwrap().unwrap();
    }

    /// Loses all that the broker sends over the present connections.
    pub(crate) fn lose_answers(&self) {
        self.state.send_replace((State::AnswersLost, self.connections()));
    }

    /// Cuts the present connections.
    pub(crate) fn cut(&self) {
        self.state.send_replace((State::Cut, self.connections()));
    }
}

/// Passes bytes both ways. A state applies to the connections with lower numbers.
async fn pass(
    client: impl AsyncRead + AsyncWrite,
    broker: TcpStream,
    mut watched: watch::Receiver<(State, usize)>,
    number: usize,
) {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_broker, mut to_broker) = broker.into_split();
    let (mut request, mut answer, mut has_ended) = (vec![0; 65_536], vec![0; 65_536], false);
    loop {
        let (state, below) = *watched.borrow_and_update();
        let state = if number < below { state } else { State::Passing };
        if state == State::Cut {
            return;
        }
        tokio::select! {
            changed = watched.changed() => if changed.is_err() { return },
            read = from_client.read(&mut request) => match read {
                Ok(0) | Err(_) => return,
                Ok(bytes) => if to_broker.write_all(&request[..bytes]).await.is_err() && !has_ended { return },
            },
            read = from_broker.read(&mut answer), if !has_ended => match read {
                // The end is an answer, too.
                Ok(0) | Err(_) if state == State::AnswersLost => has_ended = true,
                Ok(0) | Err(_) => return,
                Ok(_) if state == State::AnswersLost => {}
                Ok(bytes) => if to_client.write_all(&answer[..bytes]).await.is_err() { return },
            },
        }
    }
}

fn acceptor(name: &str) -> (TlsAcceptor, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.into()], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority.pem())
}
