//! Time until a payment is visible in Orders, and start time and memory of the local environment.
//!
//! `cargo bench -p paystream-tests --bench visible` builds in release and prints the figures; docs/performance.md has
//! them.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::process::Stdio;
use std::time::{Duration, Instant};

use paystream_tests::{Paystream, eur};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const WARM_UP: usize = 50;
const RUNS: usize = 5;
/// Payments of a run, in each mode.
const PAYMENTS: usize = 200;
const STARTS: usize = 7;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Builds the functions and the command used below.
    let systems = [Timed::start("direct", "1").await, Timed::start("stream", "0").await];
    measure(systems).await;

    let mut starts = Vec::new();
    let mut memory_kib = 0;
    for _ in 0..STARTS {
        let (ready, resident_kib) = start().await;
        starts.push(ready);
        memory_kib = memory_kib.max(resident_kib);
    }
    println!("local environment, {STARTS} starts:");
    print_row("ready, including cargo's up-to-date check", &mut starts);
    println!("  {:<50} {:>9.1} MB", "largest idle memory of its process", f64::from(memory_kib) / 1024.0);
}

/// A system, and the times measured in a run.
struct Timed {
    mode: &'static str,
    paystream: Paystream,
    posts: Vec<Duration>,
    visibles: Vec<Duration>,
}

impl Timed {
    /// Starts a system in this publish mode. The batching window of the relay is part of the lag in `stream` mode only.
    async fn start(mode: &'static str, relay_window_s: &str) -> Self {
        let parameters = [("PublishMode", mode), ("RelayWindowSeconds", relay_window_s)];
        let paystream = Paystream::start_with_parameters(&parameters).await;
        for n in 0..WARM_UP {
            until_visible(&paystream, &format!("warm-{n}")).await;
        }
        Self { mode, paystream, posts: Vec::new(), visibles: Vec::new() }
    }

    async fn pay(&mut self, order_id: &str) {
        let (post, visible) = until_visible(&self.paystream, order_id).await;
        self.posts.push(post);
        self.visibles.push(visible);
    }
}

/// Measures both modes in alternation, payment by payment.
async fn measure([mut direct, mut stream]: [Timed; 2]) {
    let mut ratios = Vec::new();
    for run in 0..RUNS {
        let before = run * PAYMENTS;
        for n in before..before + PAYMENTS {
            direct.pay(&format!("ord-{n}")).await;
            stream.pay(&format!("ord-{n}")).await;
        }
        let [of_direct, of_stream] = [&direct, &stream].map(|mode| median_ms(&mode.visibles[before..]));
        ratios.push((of_stream / of_direct, of_direct, of_stream));
    }
    println!("one client, {RUNS} runs of {PAYMENTS} sequential payments in each mode, in alternation:");
    for (number, (ratio, direct, stream)) in ratios.iter().enumerate() {
        println!("  run {number}: visible, p50: direct {direct:.1} ms, stream {stream:.1} ms, ratio {ratio:.2}");
    }
    for mut mode in [direct, stream] {
        println!("{} mode:", mode.mode);
        print_row("response of POST /payments", &mut mode.posts);
        print_row("visible in GET /orders/{id}/payments", &mut mode.visibles);
        mode.paystream.stop().await;
    }
}

fn median_ms(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1_000.0
}

/// Makes a payment. Returns the time until the response, and until Orders showed the payment.
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

/// Starts `paystream up`. Returns the time until it was ready and its resident memory in KiB.
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

/// Resident memory in KiB, from `/proc`; 0 on other systems.
fn resident_kib(process: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn print_row(label: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
        let index = ((times.len() - 1) as f64 * share).round() as usize;
        times[index].as_secs_f64() * 1_000.0
    };
    println!("  {label:<50} p50 {:>7.1} ms   p99 {:>7.1} ms   max {:>7.1} ms", at(0.5), at(0.99), at(1.0));
}
