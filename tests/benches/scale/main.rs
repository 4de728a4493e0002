//! How many records a second the projector takes: one sandbox by the size of its batches and by what keeps their records
//! apart, several sandboxes side by side, and the whole event source mapping by shards and parallelisation factor. Beside
//! each stands what the embedded store can do at all, measured in the same run: on one machine that is where it ends.
//!
//! `cargo bench -p paystream-tests --bench scale` prints the figures, with `-- --output DIR` it draws them, too, and with
//! `-- --quick` it measures less, for trying it out. docs/scale.md has them.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

mod mapping;
mod plot;
#[path = "../projecting/mod.rs"]
mod projecting;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::future::join_all;
use mapping::Mapped;
use paystream_local::{Effect, Fault, Target};
use paystream_tests::workspace;
use projecting::{Bench, batch, payments};

const BATCHES: [usize; 3] = [10, 100, 1_000];
/// Orders that the records of one batch are of: as many lanes, of which 32 go on at once.
const ORDERS: [usize; 4] = [1, 8, 32, 1_000];
const PROJECTORS: [usize; 4] = [1, 2, 4, 8];
/// Shards, and batches of each at once. From ten sandboxes on, most of them wait for this machine's processor.
const MAPPINGS: [(usize, usize); 8] = [(1, 1), (2, 1), (4, 1), (8, 1), (1, 10), (2, 10), (4, 10), (8, 10)];
/// Added to every DynamoDB call: what it takes on AWS.
const LATENCY_MS: u64 = 4;
/// Added instead where many sandboxes share this machine, so that its processor is not what they wait for at once.
const LONG_LATENCY_MS: u64 = 20;
/// Writes at once that are tried, for the store's best.
const AT_ONCE: [usize; 4] = [8, 16, 32, 64];

/// How much is measured.
struct Extent {
    /// Each figure is the best of so many.
    rounds: usize,
    /// Records that a figure of one projector is of, at least.
    records: usize,
    /// Records of each shard that a figure of the mapping is of.
    records_a_shard: usize,
}

const FULL: Extent = Extent { rounds: 3, records: 2_000, records_a_shard: 5_000 };
const QUICK: Extent = Extent { rounds: 1, records: 200, records_a_shard: 250 };

/// All figures, in records a second.
pub(crate) struct Scale {
    /// Conditional writes alone, over the same sockets: the most that anything here can come to.
    pub(crate) store: f64,
    /// By records in a batch: as it is, and with latency.
    pub(crate) batches: Vec<(usize, f64, f64)>,
    /// By orders in a batch of the most records, with latency.
    pub(crate) orders: Vec<(usize, f64)>,
    /// By projectors side by side, with long latency.
    pub(crate) projectors: Vec<(usize, f64)>,
    /// By shards and parallelisation factor, through the whole local environment, with long latency.
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
        println!("written: {}", path.display());
    }
}

/// `--quick`, `--output DIR`, and the `--bench` that cargo says to every benchmark.
fn arguments() -> (Extent, Option<PathBuf>) {
    let (mut extent, mut output) = (FULL, None);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--bench") => {}
            Some("--quick") => extent = QUICK,
            Some("--output") => {
                let directory = arguments.next().unwrap_or_else(|| panic!("--output needs a directory"));
                // As it was given to cargo in the repository's folder: a benchmark runs in that of its package.
                output = Some(workspace().join(directory));
            }
            _ => panic!("{} is none of --quick and --output DIR", argument.display()),
        }
    }
    (extent, output)
}

async fn store(extent: &Extent) -> f64 {
    let bench = Bench::start().await;
    let mut best = 0.0_f64;
    for _ in 0..extent.rounds {
        for at_once in AT_ONCE {
            best = best.max(rate(extent.records, bench.writes(extent.records, at_once).await));
        }
    }
    best
}

async fn batches(extent: &Extent) -> Vec<(usize, f64, f64)> {
    let mut measured = Vec::new();
    for size in BATCHES {
        measured.push((
            size,
            one_after_the_other(extent, size, 0).await,
            one_after_the_other(extent, size, LATENCY_MS).await,
        ));
    }
    measured
}

/// One projector that is given batches of this size, one after the other.
async fn one_after_the_other(extent: &Extent, size: usize, latency_ms: u64) -> f64 {
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

/// One projector and full batches, whose payments are of so many orders: those of one order are stored one by one.
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

/// As many sandboxes have as many: each takes its batches, and all write to one store.
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
        bench.emulators.inject(Fault::new(Target::DynamoDb, Effect::LatencyMs(latency_ms))).unwrap();
    }
    bench
}

/// Records a second.
#[allow(clippy::cast_precision_loss)]
fn rate(records: usize, took: Duration) -> f64 {
    records as f64 / took.as_secs_f64()
}

fn print(scale: &Scale) {
    println!("records a second; the embedded store's conditional writes alone: {:.0}\n", scale.store);
    println!("| records in a batch | one projector | with {LATENCY_MS} ms a DynamoDB call |\n|---|---|---|");
    for (size, as_is, slowed) in &scale.batches {
        println!("| {size} | {as_is:.0} | {slowed:.0} |");
    }
    println!("\n| orders in a batch | one projector, with {LATENCY_MS} ms a call |\n|---|---|");
    for (orders, rate) in &scale.orders {
        println!("| {orders} | {rate:.0} |");
    }
    println!("\n| projectors at once | with {LONG_LATENCY_MS} ms a call |\n|---|---|");
    for (count, rate) in &scale.projectors {
        println!("| {count} | {rate:.0} |");
    }
    println!(
        "\n| shards | parallelisation factor | whole mapping, with {LONG_LATENCY_MS} ms a call | sandboxes | batches |\n|---|---|---|---|---|"
    );
    for Mapped { shards, factor, rate, sandboxes, batches } in &scale.mapped {
        println!("| {shards} | {factor} | {rate:.0} | {sandboxes} | {batches} |");
    }
}
