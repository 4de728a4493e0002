//! Throughput of the projector, compared with a handler that writes record by record and with the maximum of the
//! embedded DynamoDB, and its peak memory with full batches.
//!
//! `cargo bench -p paystream-tests --bench projector` prints the figures; docs/performance.md has them. Memory is read
//! from `/proc`, on Linux only.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

mod projecting;

use std::time::{Duration, Instant};

use order_projector::LANES_AT_ONCE_MAX;
use orders::{PaymentCopies, PaymentCopy};
use payment_events::{PaymentEvent, Timestamp};
use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::Paystream;
use projecting::{Bench, batch, event, payments};

const RECORDS: usize = 1_000;
/// Each figure is the best of this many rounds, which excludes interference by other processes. Both sides of a ratio
/// take turns.
const ROUNDS: usize = 5;
/// Latency added to every DynamoDB call, as on AWS.
const LATENCY_MS: u64 = 4;
/// Numbers of concurrent writes tried, to find the maximum throughput of the store.
const CONCURRENCY: [usize; 4] = [8, 16, 32, 64];

#[tokio::main]
async fn main() {
    let bench = Bench::start().await;
    bench.projector(RECORDS).await;
    println!("batches of {RECORDS} distinct payments, {LANES_AT_ONCE_MAX} lanes, best of {ROUNDS}:");
    let (mut store, mut projector) = ([Duration::MAX; CONCURRENCY.len()], Duration::MAX);
    for _ in 0..ROUNDS {
        for (shortest, concurrency) in store.iter_mut().zip(CONCURRENCY) {
            *shortest = bench.writes(RECORDS, concurrency).await.min(*shortest);
            projector = bench.projector(RECORDS).await.min(projector);
        }
    }
    for (shortest, concurrency) in store.into_iter().zip(CONCURRENCY) {
        let label = format!("conditional writes alone, {concurrency} concurrent");
        println!("  {label:<56} {:>8.0} records/s", rate(shortest));
    }
    let (store, projector) = (store.into_iter().map(rate).fold(0.0, f64::max), rate(projector));
    println!("  {:<56} {projector:>8.0} records/s", "projector");
    println!(
        "  {:<56} {:>8.2} (at most 1.5)",
        "ratio of the best conditional writes to the projector",
        store / projector
    );

    let latency = Fault::new(FaultTarget::DynamoDb, Effect::LatencyMs(LATENCY_MS));
    bench.emulators.inject(latency).unwrap();
    let (mut handler, mut projector) = (0.0_f64, Duration::MAX);
    for _ in 0..ROUNDS {
        projector = bench.projector(RECORDS).await.min(projector);
        handler = one_by_one(&bench, RECORDS / ROUNDS).await.max(handler);
    }
    let projector = rate(projector);
    println!("with {LATENCY_MS} ms added to every call:");
    println!("  {:<56} {handler:>8.0} records/s", "handler that writes record by record");
    println!("  {:<56} {projector:>8.0} records/s", "projector");
    println!("  {:<56} {:>8.1} (at least 10)", "ratio of the projector to that handler", projector / handler);

    memory().await;
}

/// Records per second, for a batch of [`RECORDS`].
#[allow(clippy::cast_precision_loss)]
fn rate(took: Duration) -> f64 {
    RECORDS as f64 / took.as_secs_f64()
}

/// Throughput of a handler that decodes and stores one record after the other. It settles no order, so it does less
/// than the projector.
#[allow(clippy::cast_precision_loss)]
async fn one_by_one(bench: &Bench, records: usize) -> f64 {
    let batch = batch(&payments(records), 0);
    let begun = Instant::now();
    for record in batch.records {
        let payment = PaymentEvent::decode(&record.data).unwrap().into_payment();
        bench.table.put_if_newer(&PaymentCopy { payment, received_at: Timestamp::now() }).await.unwrap();
    }
    rate(begun.elapsed().mul_f64(RECORDS as f64 / records as f64))
}

/// Records and padding bytes per record of a full batch: the batch size of the template, at Lambda's payload limit of 6
/// MB (records are base64-encoded in it).
const FULL_BATCH: (usize, usize) = (500, 8_300);
/// Undecodable records, and bytes of each, close to the maximum size of a Kinesis record.
const UNREADABLE: (usize, usize) = (4, 1_048_000);

/// Prints the peak memory of the function's process.
async fn memory() {
    let paystream = Paystream::start_with_parameters(&[("StreamShards", "1")]).await;
    for _ in 0..5 {
        put(&paystream, 100, 0).await;
    }
    let Some(small) = peak_kib() else {
        println!("memory: not measured, no /proc on this system");
        return;
    };
    for _ in 0..5 {
        put(&paystream, FULL_BATCH.0, FULL_BATCH.1).await;
    }
    let full = peak_kib().unwrap();
    let before = paystream.item_count("QuarantineTable").await;
    let records = vec![vec![0xff; UNREADABLE.1]; UNREADABLE.0];
    paystream.put_all_on_stream("ord-1", &records).await;
    let parts = UNREADABLE.0 * UNREADABLE.1.div_ceil(quarantine::PART_BYTES_MAX);
    Paystream::eventually("all records are in quarantine", async || {
        (paystream.item_count("QuarantineTable").await >= before + parts as u64).then_some(())
    })
    .await;
    let unreadable = peak_kib().unwrap();
    let mb = |kib: u32| f64::from(kib) / 1_024.0;
    println!("peak memory of the order-projector process:");
    println!("  {:<56} {:>8.1} MB", "after batches of 100", mb(small));
    println!("  {:<56} {:>8.1} MB", "after batches of 6 MB", mb(full));
    println!("  {:<56} {:>8.1} MB", "after undecodable records of 1 MB", mb(unreadable));
    println!("  {:<56} {:>8.1} MB (at most 64)", "growth", mb(unreadable - small));
    let status = paystream.environment().status().await;
    let batches: Vec<_> =
        status.event_sources.iter().map(|(id, source)| (id, source.records, source.batches)).collect();
    println!("  event sources, records and batches: {batches:?}");
    paystream.stop().await;
}

/// Puts payments on the stream and waits until the last one is projected.
async fn put(paystream: &Paystream, records: usize, padding: usize) {
    let payments = payments(records);
    let events: Vec<_> = payments.iter().map(|payment| event(payment, padding)).collect();
    paystream.put_all_on_stream("ord-1", &events).await;
    let last = payments.last().unwrap();
    let path = format!("/orders/{}/payments", last.order_id);
    Paystream::eventually("the last payment is projected", async || {
        let copies = paystream.get(&path).await.expect(200);
        (!copies["payments"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
}

/// Peak memory of the `order-projector` child process in KiB, from `/proc`.
fn peak_kib() -> Option<u32> {
    let of_status = |status: &str, field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field).map(str::to_owned))?;
        line.split_whitespace().next().map(str::to_owned)
    };
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let statuses = processes.filter_map(|process| std::fs::read_to_string(process.path().join("status")).ok());
    let ours = std::process::id().to_string();
    let peaks = statuses.filter(|status| {
        of_status(status, "Name:").is_some_and(|name| name.starts_with("order-projecto"))
            && of_status(status, "PPid:").is_some_and(|parent| parent == ours)
    });
    peaks.filter_map(|status| of_status(&status, "VmHWM:")?.parse().ok()).max()
}
