//! A TCP proxy before the broker, which can cut and freeze connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards connections to a broker that names the proxy as its address.
pub(crate) struct Proxy {
    frozen: watch::Sender<bool>,
    cut: watch::Sender<usize>,
    opened: Arc<AtomicUsize>,
    accepts: Arc<AtomicBool>,
}

impl Proxy {
    /// Listens at `here` and forwards to `broker`.
    pub(crate) async fn start(broker: &str, here: &str) -> Self {
        let listener = TcpListener::bind(here).await.unwrap();
        let (frozen, is_frozen) = watch::channel(false);
        let (cut, cuts) = watch::channel(0);
        let (opened, accepts) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
        let (count, broker) = (opened.clone(), broker.to_owned());
        let may_accept = accepts.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !may_accept.load(Ordering::Relaxed) {
                    continue;
                }
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(forward(
                    client,
                    TcpStream::connect(&broker).await.unwrap(),
                    is_frozen.clone(),
                    cuts.clone(),
                ));
            }
        });
        Self { frozen, cut, opened, accepts }
    }

    /// Ends all connections.
    pub(crate) fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Stops forwarding on the connections that exist, and leaves them open, as after a freeze of the sandbox.
    pub(crate) fn freeze_connections(&self) {
        self.frozen.send_replace(true);
        self.frozen.send_replace(false);
    }

    /// Ends new connections at once, or not.
    pub(crate) fn accept(&self, accepts: bool) {
        self.accepts.store(accepts, Ordering::Relaxed);
    }

    /// Number of connections so far.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

async fn forward(
    mut client: TcpStream,
    mut broker: TcpStream,
    mut frozen: watch::Receiver<bool>,
    mut cuts: watch::Receiver<usize>,
) {
    frozen.mark_unchanged();
    cuts.mark_unchanged();
    let cut = async {
        cuts.changed().await.ok();
    };
    let freeze = async {
        frozen.changed().await.ok();
    };
    tokio::select! {
        () = cut => return,
        () = freeze => {}
        _ = tokio::io::copy_bidirectional(&mut client, &mut broker) => return,
    }
    // Frozen: open, and silent until the test ends.
    std::future::pending::<()>().await;
}
