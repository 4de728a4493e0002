//! `dynamodb-local PORT`: a drop-in for DynamoDB Local without Java, backed by the DynamoDB emulator of the local
//! environment. LocalStack without Docker (`localstack/host`) starts it.
//!
//! It listens on 127.0.0.1 and keeps its data in memory. It exits when its standard input closes, so that it cannot
//! outlive the process that started it. It rewrites ARNs and shard iterators to the form that LocalStack expects.

use std::io::{Error, Read, Result};
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use tokio::net::{TcpListener, TcpSocket};
use tower::ServiceExt;

/// Region in the ARNs of the emulator, and of DynamoDB Local.
const REGIONS: [&str; 2] = [":dynoxide:", ":ddblocal:"];
/// Prefix of a shard iterator. DynamoDB Local begins one with an ARN, which LocalStack parses; the rest is opaque.
const ITERATOR: &str = "arn:aws:dynamodb:ddblocal:000000000000:iterator/";
/// A `BatchWriteItem` request may have 16 MB.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

#[tokio::main]
async fn main() -> Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok());
    let port = port.ok_or_else(|| Error::other("usage: dynamodb-local PORT"))?;
    let listener = listen(port)?;
    let emulator = paystream_local::empty_dynamodb().map_err(Error::other)?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let routes = Router::new().fallback(proxy).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(emulator);
    axum::serve(listener, routes).await
}

/// Sets `TCP_NODELAY`, because Nagle's algorithm delays small responses by 40 ms.
fn listen(port: u16) -> Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(1024)
}

async fn proxy(State(emulator): State<Router>, mut headers: HeaderMap, body: Bytes) -> Response {
    headers.remove(CONTENT_LENGTH);
    let [ours, theirs] = REGIONS;
    let request = String::from_utf8_lossy(&body).replace(ITERATOR, "").replace(theirs, ours);
    let mut request = Request::new(Body::from(request));
    *request.method_mut() = http::Method::POST;
    *request.headers_mut() = headers;
    let (parts, answer) = match emulator.oneshot(request).await {
        Ok(response) => response.into_parts(),
        Err(impossible) => match impossible {},
    };
    match axum::body::to_bytes(answer, usize::MAX).await {
        Ok(answer) => {
            let text = String::from_utf8_lossy(&answer).replace(ours, theirs);
            let text = text.replace(r#"ShardIterator":""#, &format!(r#"ShardIterator":"{ITERATOR}"#));
            (parts.status, text).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}
