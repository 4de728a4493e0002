//! Throughput of the projector: one sandbox by batch size and by orders per batch, several concurrent sandboxes, and
//! the whole event source mapping by shards and parallelisation factor. The maximum of the embedded DynamoDB, measured
//! in the same run, is the upper bound on one machine.
//!
//! `cargo bench -p paystream-tests --bench scale` prints the figures; docs/scale.md has them. `-- --output DIR` also
//! draws them, `-- --quick` measures less.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

mod mapping;
mod plot;
#[path = "../projecting/mod.rs"]
mod projecting;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::future::join_all;
use mapping::Mapped;
use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::workspace;
use projecting::{Bench, batch, payments};

const BATCHES: [usize; 3] = [10, 100, 1_000];
/// Distinct orders in a batch: one lane each, of which 32 run concurrently.
const ORDERS: [usize; 4] = [1, 8, 32, 1_000];
const PROJECTORS: [usize; 4] = [1, 2, 4, 8];
/// Shards and parallelisation factor. From ten sandboxes on, the processor of one machine is the bottleneck.
const MAPPINGS: [(usize, usize); 8] = [(1, 1), (2, 1), (4, 1), (8, 1), (1, 10), (2, 10), (4, 10), (8, 10)];
/// Latency added to every DynamoDB call, as on AWS.
const LATENCY_MS: u64 = 4;
/// Latency added when many sandboxes share this machine, so that its processor does not become the bottleneck early.
const LONG_LATENCY_MS: u64 = 20;
/// Numbers of concurrent writes tried, to find the maximum throughput of the store.
const CONCURRENCY: [usize; 4] = [8, 16, 32, 64];

/// Number of measurements.
struct Extent {
    /// Each figure is the best of this many rounds.
    rounds: usize,
    /// Least number of records per figure of one projector.
    records: usize,
    /// Records per shard for each figure of the mapping.
    records_a_shard: usize,
}

const FULL: Extent = Extent { rounds: 3, records: 2_000, records_a_shard: 5_000 };
const QUICK: Extent = Extent { rounds: 1, records: 200, records_a_shard: 250 };

/// All figures, in records per second.
pub(crate) struct Scale {
    /// Conditional writes alone, over the same sockets: the upper bound of all other figures.
    pub(crate) store: f64,
    /// By batch size: without and with added latency.
    pub(crate) batches: Vec<(usize, f64, f64)>,
    /// By distinct orders in the largest batch, with added latency.
    pub(crate) orders: Vec<(usize, f64)>,
    /// By concurrent projectors, with long latency.
    pub(crate) projectors: Vec<(usize, f64)>,
    /// By shards and parallelisation factor, through the local environment, with long latency.
    pub(crate) mapped: Vec<Mapped>,
}

#[tokio::main]
async fn main() {
    let (extent, output) = arguments();
    let scale = Scale {
        store: store(&extent).await,
        batches: batches(&extent).await,
        orders: orders(&extent).await,
        projectors: projectors(&extent).await,
        mapped: mapping::measure(&extent).await,
    };
    print(&scale);
    if let Some(directory) = output {
        let path = directory.join("scale.svg");
        std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&path, plot::svg(&scale))).unwrap();
        println!("wrote {}", path.display());
    }
}

/// Parses `--quick`, `--output DIR`, and the `--bench` that cargo passes to every benchmark.
fn arguments() -> (Extent, Option<PathBuf>) {
    let (mut extent, mut output) = (FULL, None);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--bench") => {}
            Some("--quick") => extent = QUICK,
            Some("--output") => {
                let directory = arguments.next().unwrap_or_else(|| panic!("--output needs a directory"));
                // Relative to the repository: cargo runs a benchmark in the folder of its package.
                output = Some(workspace().join(directory));
            }
            _ => panic!("unknown argument {}: only --quick and --output DIR are supported", argument.display()),
        }
    }
    (extent, output)
}

async fn store(extent: &Extent) -> f64 {
    let bench = Bench::start().await;
    let mut best = 0.0_f64;
    for _ in 0..extent.rounds {
        for concurrency in CONCURRENCY {
            best = best.max(rate(extent.records, bench.writes(extent.records, concurrency).await));
        }
    }
    best
}

async fn batches(extent: &Extent) -> Vec<(usize, f64, f64)> {
    let mut measured = Vec::new();
    for size in BATCHES {
        measured.push((size, sequential(extent, size, 0).await, sequential(extent, size, LATENCY_MS).await));
    }
    measured
}

/// Throughput of one projector with batches of this size, one after the other.
async fn sequential(extent: &Extent, size: usize, latency_ms: u64) -> f64 {
    let bench = slow_bench(latency_ms).await;
    bench.projector(size).await;
    let batches = extent.records.div_ceil(size);
    let mut best = 0.0_f64;
    for _ in 0..extent.rounds {
        let mut took = Duration::ZERO;
        for _ in 0..batches {
            took += bench.projector(size).await;
        }
        best = best.max(rate(batches * size, took));
    }
    best
}

/// Throughput of one projector by distinct orders in a full batch. Payments of one order are stored sequentially.
async fn orders(extent: &Extent) -> Vec<(usize, f64)> {
    let mut measured = Vec::new();
    for orders in ORDERS {
        let bench = slow_bench(LATENCY_MS).await;
        let records = extent.records.min(BATCHES[BATCHES.len() - 1]);
        let mut best = 0.0_f64;
        for _ in 0..extent.rounds {
            let mut payments = payments(records);
            let order_ids: Vec<_> = payments.iter().take(orders).map(|payment| payment.order_id.clone()).collect();
            for (payment, order_id) in payments.iter_mut().zip(order_ids.iter().cycle()) {
                payment.order_id = order_id.clone();
            }
            best = best.max(rate(records, bench.project(batch(&payments, 0)).await));
        }
        measured.push((orders, best));
    }
    measured
}

/// Throughput of concurrent projectors that write to one store.
async fn projectors(extent: &Extent) -> Vec<(usize, f64)> {
    let mut measured = Vec::new();
    for count in PROJECTORS {
        let bench = slow_bench(LONG_LATENCY_MS).await;
        let size = extent.records.min(500);
        let mut best = 0.0_f64;
        for _ in 0..extent.rounds {
            let begun = Instant::now();
            join_all((0..count).map(|_| bench.projector(size))).await;
            best = best.max(rate(count * size, begun.elapsed()));
        }
        measured.push((count, best));
    }
    measured
}

async fn slow_bench(latency_ms: u64) -> Bench {
    let bench = Bench::start().await;
    if latency_ms > 0 {
        bench.emulators.inject(Fault::new(FaultTarget::DynamoDb, Effect::LatencyMs(latency_ms))).unwrap();
    }
    bench
}

/// Records per second.
#[allow(clippy::cast_precision_loss)]
fn rate(records: usize, took: Duration) -> f64 {
    records as f64 / took.as_secs_f64()
}

fn print(scale: &Scale) {
    println!("records per second; conditional writes of the embedded DynamoDB alone: {:.0}\n", scale.store);
    println!("| records per batch | one projector | with {LATENCY_MS} ms per DynamoDB call |\n|---|---|---|");
    for (size, as_is, slowed) in &scale.batches {
        println!("| {size} | {as_is:.0} | {slowed:.0} |");
    }
    println!("\n| orders per batch | one projector, with {LATENCY_MS} ms per call |\n|---|---|");
    for (orders, rate) in &scale.orders {
        println!("| {orders} | {rate:.0} |");
    }
    println!("\n| concurrent projectors | with {LONG_LATENCY_MS} ms per call |\n|---|---|");
    for (count, rate) in &scale.projectors {
        println!("| {count} | {rate:.0} |");
    }
    println!(
        "\n| shards | parallelisation factor | whole mapping, with {LONG_LATENCY_MS} ms per call | sandboxes | batches |\n|---|---|---|---|---|"
    );
    for Mapped { shards, factor, rate, sandboxes, batches } in &scale.mapped {
        println!("| {shards} | {factor} | {rate:.0} | {sandboxes} | {batches} |");
    }
}
