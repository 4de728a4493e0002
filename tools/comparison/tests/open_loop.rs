//! Tests of the load generator: an error here would falsify every figure.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use paystream_comparison::Latency;
use paystream_comparison::open_loop::{self, Sent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Timeout far above any expected duration, so that only a hang fails.
const PATIENCE: Duration = Duration::from_mins(1);
const QUICK: Duration = Duration::from_millis(30);
const SLOW: Duration = Duration::from_secs(3);
const LATE: Duration = Duration::from_secs(10);

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address.to_string()
}

/// Sends `GET path` on a new connection.
async fn get_ok(address: &str, path: &str) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// `count` numbered arrivals, `period` apart.
fn every(period: Duration, count: u32) -> Vec<(Duration, u32)> {
    (0..count).map(|number| (period * number, number)).collect()
}

fn done<T, I>(sent: Vec<Sent<T, I>>) -> Vec<T> {
    let done = |sent| match sent {
        Sent::Done(value) => value,
        Sent::TooMany(_) => panic!("not sent"),
    };
    sent.into_iter().map(done).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_known_latencies_gives_known_percentiles() {
    // One response in five is slow: p50 is a quick one, p90 and above are slow ones.
    let answer = get(async |Path(number): Path<u32>| {
        tokio::time::sleep(if number % 5 == 0 { SLOW } else { QUICK }).await;
    });
    let address = serve(Router::new().route("/{number}", answer)).await;
    let (started, period) = (Instant::now(), Duration::from_millis(10));
    let latencies = open_loop::run(started, every(period, 100), 1_000, || false, {
        move |number, arrival| {
            let address = address.clone();
            async move {
                get_ok(&address, &format!("/{number}")).await;
                let (least, latency) = (started.elapsed(), arrival.latency());
                (latency, least..=started.elapsed())
            }
        }
    });
    let latencies = done(latencies.await);
    // Each latency is the time since its scheduled time.
    for (number, (latency, ended)) in (0..).zip(&latencies) {
        assert!(ended.contains(&(period * number + *latency)), "{number}: {latency:?}, ended within {ended:?}");
    }
    let mut sorted_ms: Vec<_> = latencies.iter().map(|(latency, _)| latency.as_secs_f64() * 1_000.0).collect();
    sorted_ms.sort_by(f64::total_cmp);
    let latency = Latency::of(latencies.into_iter().map(|(latency, _)| latency));
    assert_eq!(latency.count, 100);
    // Exact to three significant digits.
    for (percentile, rank) in [(latency.p50, 50), (latency.p90, 90), (latency.p99, 99), (latency.max, 100)] {
        let exact_ms = sorted_ms[rank - 1];
        assert!((percentile - exact_ms).abs() <= exact_ms * 0.002, "rank {rank}: {exact_ms} ms, {latency:?}");
    }
    let (quick_ms, slow_ms) = (QUICK.as_secs_f64() * 1_000.0, SLOW.as_secs_f64() * 1_000.0);
    assert!(latency.p50 >= quick_ms && latency.p90 >= slow_ms * 0.999, "{latency:?}");
}

/// A closed loop, which waits for a response before the next request, would never send its second request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_server_gets_requests_at_the_same_rate_and_their_wait_counts() {
    const COUNT: u32 = 100;
    let period = Duration::from_millis(5);
    let (arrived, (release, released)) = (Arc::new(AtomicUsize::new(0)), watch::channel(false));
    let release = Arc::new(release);
    // The server responds only after all requests have arrived.
    let answer = get({
        let arrived = Arc::clone(&arrived);
        move || {
            let (arrived, release, mut released) = (Arc::clone(&arrived), Arc::clone(&release), released.clone());
            async move {
                if arrived.fetch_add(1, Ordering::SeqCst) + 1 == COUNT as usize {
                    release.send_replace(true);
                }
                released.wait_for(|released| *released).await.unwrap();
            }
        }
    });
    let address = serve(Router::new().route("/", answer)).await;
    let started = Instant::now();
    let running = open_loop::run(
        started,
        every(period, COUNT),
        1_000,
        || false,
        move |_, arrival| {
            let address = address.clone();
            async move {
                get_ok(&address, "/").await;
                arrival.latency()
            }
        },
    );
    let latencies = done(tokio::time::timeout(PATIENCE, running).await.unwrap());
    assert_eq!(arrived.load(Ordering::SeqCst), COUNT as usize);
    // Each waited at least from its own scheduled time until the last scheduled time.
    for (number, latency) in (0..COUNT).zip(latencies) {
        assert!(latency >= period * (COUNT - 1 - number), "{number}: {latency:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latency_counts_from_the_scheduled_time() {
    // The schedule starts in the past, so the generator is late.
    let started = Instant::now().checked_sub(LATE).unwrap();
    let late = open_loop::run(
        started,
        every(Duration::ZERO, 1),
        1,
        || false,
        |_, arrival| async move { (arrival.latency(), arrival.lateness()) },
    );
    let (latency, lateness) = done(late.await)[0];
    assert!(latency >= LATE && lateness >= LATE, "{latency:?} {lateness:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_flight_are_bounded_and_those_above_are_not_sent() {
    let (release, released) = watch::channel(false);
    let polls = AtomicUsize::new(0);
    // All items are due immediately, so this is called once before each. At the sixth call, five have been handled.
    let is_stopped = move || {
        let is_last = polls.fetch_add(1, Ordering::SeqCst) == 5;
        if is_last {
            release.send_replace(true);
        }
        is_last
    };
    let running = open_loop::run(Instant::now(), every(Duration::ZERO, 6), 2, is_stopped, move |_, _| {
        let mut released = released.clone();
        async move {
            released.wait_for(|released| *released).await.unwrap();
        }
    });
    let sent = tokio::time::timeout(PATIENCE, running).await.unwrap();
    let not_sent = |sent| match sent {
        Sent::Done(()) => None,
        Sent::TooMany(number) => Some(number),
    };
    let not_sent: Vec<Option<u32>> = sent.into_iter().map(not_sent).collect();
    assert_eq!(not_sent, [None, None, Some(2), Some(3), Some(4)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_stop_requests_in_flight_complete_and_no_more_are_sent() {
    let (stop, stopped) = watch::channel(false);
    let is_stopped = move || *stopped.borrow();
    let endless = every(Duration::from_millis(1), 1_000_000);
    let running = open_loop::run(Instant::now(), endless, 1_000, is_stopped, move |number, _| {
        let stop = stop.clone();
        async move {
            if number == 10 {
                stop.send_replace(true);
            }
            number
        }
    });
    let sent = done(tokio::time::timeout(PATIENCE, running).await.unwrap());
    assert!(sent.len() > 10 && sent.len() < 1_000_000);
    assert!(sent.iter().copied().eq(0..u32::try_from(sent.len()).unwrap()));
}
