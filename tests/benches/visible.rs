//! How long a payment takes to be visible to Orders, and what the environment itself takes.
//!
//! `cargo bench -p paystream-tests` builds everything as it deploys and prints the figures; docs/performance.md has them.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::process::Stdio;
use std::time::{Duration, Instant};

use paystream_tests::{Paystream, eur};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const WARM_UP: usize = 50;
const PAYMENTS: usize = 1_000;
const STARTS: usize = 7;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Builds the functions and the command, which everything below uses.
    let paystream = Paystream::start().await;
    for n in 0..WARM_UP {
        until_visible(&paystream, &format!("warm-{n}")).await;
    }
    let (mut posts, mut visibles) = (Vec::new(), Vec::new());
    for n in 0..PAYMENTS {
        let (post, visible) = until_visible(&paystream, &format!("ord-{n}")).await;
        posts.push(post);
        visibles.push(visible);
    }
    println!("one client, one payment after the other, {PAYMENTS} payments:");
    print_row("POST /payments answered", &mut posts);
    print_row("visible in GET /orders/{id}/payments", &mut visibles);
    paystream.stop().await;

    let mut starts = Vec::new();
    let mut memory_kib = 0;
    for _ in 0..STARTS {
        let (ready, resident_kib) = start().await;
        starts.push(ready);
        memory_kib = memory_kib.max(resident_kib);
    }
    println!("the environment, {STARTS} starts:");
    print_row("ready (cargo's check that all is built included)", &mut starts);
    println!("  {:<50} {:>9.1} MB", "memory of its process, idle, at the most", f64::from(memory_kib) / 1024.0);
}

/// Pays for an order; how long the answer took, and how long it took until Orders showed the payment.
async fn until_visible(paystream: &Paystream, order_id: &str) -> (Duration, Duration) {
    let begun = Instant::now();
    let payment = paystream.pay(order_id, &eur(1299), "tok_approve").await;
    let answered = begun.elapsed();
    let path = format!("/orders/{order_id}/payments");
    loop {
        let copies = paystream.get(&path).await.expect(200);
        if copies["payments"][0]["payment_id"] == payment["payment_id"] {
            return (answered, begun.elapsed());
        }
    }
}

/// Starts `paystream up` as a user would; how long it took to be ready, and its resident memory in KiB then.
async fn start() -> (Duration, u32) {
    let program = paystream_tests::command_line();
    let begun = Instant::now();
    let mut command = Command::new(program);
    command.args(["--port", "0"]).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut environment = command.spawn().unwrap();
    let mut lines = BufReader::new(environment.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.starts_with("ready ") {
            break;
        }
    }
    let ready = begun.elapsed();
    let resident_kib = resident_kib(environment.id().unwrap());
    environment.kill().await.unwrap();
    (ready, resident_kib)
}

/// As Linux tells it; 0 elsewhere.
fn resident_kib(process: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn print_row(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
        let index = ((times.len() - 1) as f64 * share).round() as usize;
        times[index].as_secs_f64() * 1_000.0
    };
    println!("  {what:<50} p50 {:>7.1} ms   p99 {:>7.1} ms   most {:>7.1} ms", at(0.5), at(0.99), at(1.0));
}
