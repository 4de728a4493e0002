//! Resettable connections: a listener for [`axum::serve()`] whose handlers can reset the connection of their request.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Connection of a request, as its handler sees it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// Address of the client.
    pub(crate) client: SocketAddr,
    is_broken: IsBroken,
}

impl Connection {
    /// Resets the connection (RST) at the next write, which is not sent.
    pub(crate) fn reset(&self) {
        self.is_broken.0.store(true, Ordering::SeqCst);
    }
}

#[derive(Debug, Clone, Default)]
struct IsBroken(Arc<AtomicBool>);

impl IsBroken {
    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

/// Serves until `stop` is cancelled and the requests in flight have completed. Handlers can extract their
/// [`Connection`].
pub(crate) fn serve(listener: TcpListener, router: Router, stop: &CancellationToken) -> JoinHandle<()> {
    let stopped = stop.clone().cancelled_owned();
    tokio::spawn(async move {
        let service = router.into_make_service_with_connect_info::<Connection>();
        // Serving fails only if the listener does.
        let _ = axum::serve(Resettable(listener), service).with_graceful_shutdown(stopped).await;
    })
}

struct Resettable(TcpListener);

impl Listener for Resettable {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Stream { stream, connection: IsBroken::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Resettable>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Resettable>) -> Self {
        Self { client: *stream.remote_addr(), is_broken: stream.io().connection.clone() }
    }
}

/// A connection whose I/O fails once it is marked for reset. The server then drops it.
struct Stream {
    stream: TcpStream,
    connection: IsBroken,
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.connection.check().is_err() {
            // If the socket refuses the option, the connection is closed with a FIN instead of an RST.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.connection.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.connection.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.connection.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
