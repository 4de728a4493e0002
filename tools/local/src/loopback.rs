//! Listening on this machine, and on nothing else.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use axum::Router;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

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

/// Serves until `stop` is cancelled, and then until the requests under way are answered.
pub(crate) fn serve(listener: TcpListener, router: Router, stop: &CancellationToken) -> JoinHandle<()> {
    let stopped = stop.clone().cancelled_owned();
    tokio::spawn(async move {
        // Serving ends with an error only where the listener does.
        let _ = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
    })
}
