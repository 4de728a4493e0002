//! Connections that are made before a request needs them, over real sockets.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_connection::{Https, Trust};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long a connection is kept that nobody has asked for, in seconds.
const KEPT_S: i64 = 90;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// Reads what a request of no body is, and answers it.
async fn answer(connection: &mut TcpStream) {
    assert!(is_answered(connection).await, "there is no request");
}

/// The same, unless it is closed: whether there was a request.
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

/// Connects, lets the clock go on by so many seconds, and asks. Whether the request took the connection that was made ahead.
async fn is_taken_after(passed_s: i64) -> bool {
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
        let is_taken = is_answered(&mut ahead).await;
        if !is_taken {
            answer(&mut listener.accept().await.unwrap().0).await;
        }
        is_taken
    };
    let (status, is_taken) = tokio::join!(get(&https, &url), served);
    assert_eq!(status, 200);
    is_taken
}

#[tokio::test]
async fn a_connection_that_was_not_asked_for_in_time_is_not_taken() {
    assert!(is_taken_after(KEPT_S - 1).await);
    assert!(!is_taken_after(KEPT_S).await, "it is too old");
    assert!(!is_taken_after(-1).await, "the clock was set back, so nobody knows how old it is");
}
