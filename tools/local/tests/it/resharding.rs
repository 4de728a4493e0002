//! Splitting and merging of shards.

use serde_json::json;

use crate::harness::{Probe, ok};

async fn split(probe: &Probe) {
    let half = (1_u128 << 127).to_string();
    let shard =
        json!({"StreamName": "ProbeStream", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": half});
    probe.kinesis("SplitShard", shard).await;
    shards(probe, 3).await;
}

async fn shards(probe: &Probe, count: usize) {
    let status = async || probe.environment.status().await;
    probe.eventually("it is resharded", async || status().await.streams["ProbeStream"].shards == count).await;
}

#[tokio::test]
async fn children_of_a_resharded_stream_are_read_after_their_parents() {
    let probe = Probe::start().await;
    // The parent is not finished before the gate opens.
    probe.write(&[(0, "wait")]).await;
    probe.eventually("it is being worked on", async || !probe.journal("stream").is_empty()).await;
    probe.write(&ok(1..5)).await;
    split(&probe).await;
    probe.write_with_keys(&ok(5..25), |number| format!("key-{number}")).await;
    probe.open_gate();
    probe.handled(25).await;
    let delivered = probe.delivered("stream");
    assert_eq!(delivered[..5], [0, 1, 2, 3, 4]);
    let status = probe.mapping().await;
    assert!(status.shards["shardId-000000000000"].is_finished && status.shards.len() == 3, "{status:?}");
}

#[tokio::test]
async fn the_child_of_merged_shards_is_read_after_both_of_its_parents() {
    let probe = Probe::start_with(&[("Shards", "2"), ("BatchSize", "1")]).await;
    // The parent with this key is not finished before the gate opens.
    probe.write_data(r#"{"n":0,"do":"wait"}"#, "key-0").await;
    probe.eventually("it is being worked on", async || !probe.journal("stream").is_empty()).await;
    probe.write_data(r#"{"n":1,"do":"ok"}"#, "key-0").await;
    let merge = json!({
        "StreamName": "ProbeStream", "ShardToMerge": "shardId-000000000000", "AdjacentShardToMerge": "shardId-000000000001",
    });
    probe.kinesis("MergeShards", merge).await;
    shards(&probe, 3).await;
    probe.write_with_keys(&ok(2..12), |number| format!("key-{number}")).await;
    let finished = async || probe.mapping().await.shards.values().filter(|shard| shard.is_finished).count();
    probe.eventually("the other parent is finished", async || finished().await == 1).await;
    assert!(!probe.mapping().await.shards.contains_key("shardId-000000000002"));
    probe.open_gate();
    probe.handled(12).await;
    assert_eq!(probe.delivered("stream"), (0..12).collect::<Vec<_>>());
    assert_eq!(finished().await, 2);
}

#[tokio::test]
async fn a_mapping_from_latest_reads_later_shards_from_their_beginning() {
    let probe = Probe::start_with(&[("Start", "LATEST")]).await;
    probe.write(&ok(0..3)).await;
    split(&probe).await;
    probe.write_with_keys(&ok(3..23), |number| format!("key-{number}")).await;
    probe.handled(23).await;
}
