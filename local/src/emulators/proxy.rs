//! Passes calls on to a server on this machine that cannot be called in process.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::CONNECTION;
use http::uri::{Authority, Scheme};
use http::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

#[derive(Clone)]
struct Proxy {
    client: Client<HttpConnector, Body>,
    authority: Authority,
}

/// Passes everything on to a server at this address.
pub(super) fn router(address: SocketAddr) -> Result<Router, http::uri::InvalidUri> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let proxy = Proxy { client, authority: address.to_string().parse()? };
    Ok(Router::new().fallback(pass_on).with_state(proxy))
}

async fn pass_on(State(proxy): State<Proxy>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut uri = parts.uri.into_parts();
    (uri.scheme, uri.authority) = (Some(Scheme::HTTP), Some(proxy.authority));
    // A path with a scheme and an authority before it is always a URI.
    parts.uri = Uri::from_parts(uri).unwrap_or_default();
    // Each connection is the affair of its two ends.
    parts.headers.remove(CONNECTION);
    match proxy.client.request(Request::from_parts(parts, body)).await {
        Ok(mut response) => {
            response.headers_mut().remove(CONNECTION);
            response.map(Body::new)
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}
