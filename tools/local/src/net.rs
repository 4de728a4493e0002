//! Listening on this machine, and on nothing else.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use axum::Router;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Listens on 127.0.0.1; port 0 is any that is free.
///
/// Accepted connections inherit `TCP_NODELAY`: without it, small answers over loopback wait 40 ms for each other.
pub(crate) fn bind_loopback(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    // Or a port could not be used again for a minute after a restart. (Windows means something else by it.)
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(BACKLOG)
}

/// `http://127.0.0.1:<port>` of a listener.
pub(crate) fn url_of(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

/// Told once, to everyone who holds a clone: it is time to stop.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Sender<bool>);

impl Stop {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn tell(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_told(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when it is told.
    pub(crate) fn told(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut receiver = self.0.subscribe();
        async move {
            // The sender cannot be gone before it tells: whoever waits is then no longer polled.
            let _ = receiver.wait_for(|told| *told).await;
        }
    }
}

/// Serves until told to stop, and then until the requests under way are answered.
pub(crate) fn serve(listener: TcpListener, router: Router, stop: &Stop) -> JoinHandle<()> {
    let stopped = stop.told();
    tokio::spawn(async move {
        // Serving ends with an error only where the listener does.
        let _ = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
    })
}
