//! Listeners on 127.0.0.1.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use axum::Router;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Length of the queue of connections that are not accepted yet.
const BACKLOG: u32 = 1024;

/// Listens on 127.0.0.1; port 0 picks a free port.
///
/// Accepted connections inherit `TCP_NODELAY`: without it, Nagle's algorithm delays small responses by 40 ms.
pub(crate) fn bind_loopback(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    // Lets a restart reuse the port while old connections are in TIME_WAIT. (On Windows the option means something
    // else.)
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(BACKLOG)
}

/// Returns the base URL of a listener: `http://127.0.0.1:<port>`.
pub(crate) fn url_of(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

/// Serves until `stop` is cancelled and the requests in flight are done.
pub(crate) fn serve(listener: TcpListener, router: Router, stop: &CancellationToken) -> JoinHandle<()> {
    let stopped = stop.clone().cancelled_owned();
    tokio::spawn(async move {
        // An error here means that the listener failed; there is nothing left to serve.
        let _ = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
    })
}
