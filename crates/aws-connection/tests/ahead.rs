//! Connections that are made before a request needs them, over real sockets.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use aws_connection::{Https, Trust};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long a connection is kept that nobody has asked for.
const KEPT: Duration = Duration::from_secs(90);
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// Reads what a request of no body is, and answers it.
async fn answer(connection: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        assert_ne!(connection.read_buf(&mut read).await.unwrap(), 0, "there is no request");
    }
    connection.write_all(ANSWER).await.unwrap();
}

async fn get(https: &Https, url: &str) -> u16 {
    https.call(HttpRequest::get(format!("{url}/path")).unwrap()).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_first_request_takes_the_connection_that_was_made_ahead() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let https = Https::new(Trust::Amazon);
    https.connect(&format!("{url}/stage/")).await;
    let (mut ahead, _) = listener.accept().await.unwrap();
    let served = async {
        tokio::select! {
            () = answer(&mut ahead) => {}
            _ = listener.accept() => panic!("the request made a connection of its own"),
        }
    };
    let (status, ()) = tokio::join!(get(&https, &url), served);
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_not_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}");
    let https = Https::new(Trust::Amazon);
    https.connect(&url).await;
    let (ahead, _) = listener.accept().await.unwrap();
    // Of two that are closed one after the other, the first is known to be closed where the second one is.
    let mut second = TcpStream::connect(address).await.unwrap();
    let (other, _) = listener.accept().await.unwrap();
    drop(ahead);
    drop(other);
    assert_eq!(second.read(&mut [0]).await.unwrap(), 0);
    let served = async { answer(&mut listener.accept().await.unwrap().0).await };
    let (status, ()) = tokio::join!(get(&https, &url), served);
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_connection_that_was_not_asked_for_in_time_is_not_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let https = Https::new(Trust::Amazon);
    https.connect(&url).await;
    let (mut ahead, _) = listener.accept().await.unwrap();
    tokio::time::pause();
    tokio::time::advance(KEPT).await;
    tokio::time::resume();
    let served = async {
        assert_eq!(ahead.read(&mut [0]).await.unwrap(), 0, "it is closed, and nothing asked over it");
        answer(&mut listener.accept().await.unwrap().0).await;
    };
    let (status, ()) = tokio::join!(get(&https, &url), served);
    assert_eq!(status, 200);
}
