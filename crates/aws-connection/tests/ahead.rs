//! Connections made ahead of the first request, over real sockets.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_connection::{Https, Trust};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long an unused connection is kept, in seconds.
const KEPT_S: i64 = 90;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// Reads a request without a body and responds.
async fn answer(connection: &mut TcpStream) {
    assert!(is_answered(connection).await, "closed without a request");
}

/// Like [`answer`], but returns false if the connection is closed without a request.
async fn is_answered(connection: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        if connection.read_buf(&mut read).await.unwrap() == 0 {
            return false;
        }
    }
    connection.write_all(ANSWER).await.unwrap();
    true
}

async fn get(https: &Https, url: &str) -> u16 {
    https.call(HttpRequest::get(format!("{url}/path")).unwrap()).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_first_request_uses_the_connection_made_ahead() {
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
async fn a_connection_that_was_closed_meanwhile_is_not_used() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}");
    let https = Https::new(Trust::Amazon);
    https.connect(&url).await;
    let (ahead, _) = listener.accept().await.unwrap();
    // The first is closed before the second, so once the second is seen to be closed, the first is as well.
    let mut second = TcpStream::connect(address).await.unwrap();
    let (other, _) = listener.accept().await.unwrap();
    drop(ahead);
    drop(other);
    assert_eq!(second.read(&mut [0]).await.unwrap(), 0);
    let served = async { answer(&mut listener.accept().await.unwrap().0).await };
    let (status, ()) = tokio::join!(get(&https, &url), served);
    assert_eq!(status, 200);
}

/// Connects, advances the clock by `passed_s` seconds and sends a request. Returns true if it used the connection made
/// ahead.
async fn is_used_after(passed_s: i64) -> bool {
    static NOW_S: AtomicI64 = AtomicI64::new(0);
    const BEGUN_S: i64 = 1_795_377_600;
    fn clock() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW_S.load(Ordering::SeqCst).unsigned_abs())
    }

    NOW_S.store(BEGUN_S, Ordering::SeqCst);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let https = Https::by_clock(Trust::Amazon, clock);
    https.connect(&url).await;
    let (mut ahead, _) = listener.accept().await.unwrap();
    NOW_S.store(BEGUN_S + passed_s, Ordering::SeqCst);
    let served = async {
        let is_used = is_answered(&mut ahead).await;
        if !is_used {
            answer(&mut listener.accept().await.unwrap().0).await;
        }
        is_used
    };
    let (status, is_used) = tokio::join!(get(&https, &url), served);
    assert_eq!(status, 200);
    is_used
}

#[tokio::test]
async fn a_connection_that_is_too_old_is_not_used() {
    assert!(is_used_after(KEPT_S - 1).await);
    assert!(!is_used_after(KEPT_S).await, "it is too old");
    assert!(!is_used_after(-1).await, "the clock was set back, so its age is unknown");
}
