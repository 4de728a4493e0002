//! Throughput of the whole event source mapping in the local environment: stream, mapping and function processes.

use std::time::Instant;

use futures::future::join_all;
use paystream_local::{Effect, Fault, FaultTarget, Options, Service};
use paystream_tests::{Paystream, workspace};

use crate::projecting::{event, payments};
use crate::{Extent, LONG_LATENCY_MS, MAPPINGS, rate};

/// Records per `PutRecords` call.
const PUT_MAX: usize = 500;
/// Concurrent `PutRecords` calls.
const CONCURRENT_PUTS: usize = 4;

/// Measured throughput of one mapping configuration.
pub(crate) struct Mapped {
    pub(crate) shards: usize,
    pub(crate) factor: usize,
    /// Records per second, from the first put until the last record is handled.
    pub(crate) rate: f64,
    /// Function processes started.
    pub(crate) sandboxes: usize,
    /// Invocations made.
    pub(crate) batches: u64,
}

pub(crate) async fn measure(extent: &Extent) -> Vec<Mapped> {
    let mut measured = Vec::new();
    for (shards, factor) in MAPPINGS {
        measured.push(one(shards, factor, extent.records_a_shard * shards * factor.min(2)).await);
    }
    measured
}

async fn one(shards: usize, factor: usize, records: usize) -> Mapped {
    let directory = tempfile::tempdir().unwrap();
    let paystream = start(directory.path(), shards, factor).await;
    paystream.inject(Fault::new(FaultTarget::DynamoDb, Effect::LatencyMs(LONG_LATENCY_MS)).from("OrderProjector"));
    // Start the sandboxes before measuring.
    put(&paystream, shards * factor * 100).await;
    let (_, before) = handled(&paystream).await;
    let begun = Instant::now();
    put(&paystream, records).await;
    let took = begun.elapsed();
    let status = paystream.environment().status().await;
    let mapped = Mapped {
        shards,
        factor,
        rate: rate(records, took),
        sandboxes: status.functions["OrderProjector"].sandboxes,
        batches: handled(&paystream).await.1 - before,
    };
    paystream.stop().await;
    mapped
}

/// Starts the deployed template with another parallelisation factor.
async fn start(directory: &std::path::Path, shards: usize, factor: usize) -> Paystream {
    let text = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let template = directory.join("template.yaml");
    let set = format!("ParallelizationFactor: {factor}");
    std::fs::write(&template, text.replace("ParallelizationFactor: 1", &set)).unwrap();
    // Included files are resolved relative to the template.
    std::os::unix::fs::symlink(workspace().join("infra"), directory.join("infra")).unwrap();
    let parameters = [("StreamShards".to_owned(), shards.to_string())].into();
    Paystream::start_with_options(Options {
        template,
        parameters,
        sandboxes_max: shards * factor,
        ..Options::default()
    })
    .await
}

/// Puts payments on the stream, each of an order of its own, and waits until all are handled.
async fn put(paystream: &Paystream, records: usize) {
    let (before, _) = handled(paystream).await;
    paystream.environment().reset_calls();
    let payments = payments(records);
    let chunks: Vec<_> = payments.chunks(PUT_MAX).collect();
    for chunks in chunks.chunks(CONCURRENT_PUTS) {
        join_all(chunks.iter().map(|chunk| {
            let keyed = chunk.iter().map(|payment| (payment.order_id.to_string(), event(payment, 0)));
            paystream.put_keyed_on_stream(keyed.collect())
        }))
        .await;
    }
    Paystream::eventually("all payments are stored", async || {
        let calls = paystream.environment().calls();
        let is_stored = calls.count("OrderProjector", Service::DynamoDb, "PutItem") >= records as u64;
        // Checked last, because the status request counts the items of all tables.
        (is_stored && handled(paystream).await.0 >= before + records as u64).then_some(())
    })
    .await;
}

/// Records and batches that the projector has handled.
async fn handled(paystream: &Paystream) -> (u64, u64) {
    let status = paystream.environment().status().await;
    let mut sources = status.event_sources.values();
    sources.find(|source| source.function == "OrderProjector").map(|source| (source.records, source.batches)).unwrap()
}
