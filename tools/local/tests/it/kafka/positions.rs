//! Starting positions, checkpoints, added partitions, and topics that are created again.

use paystream_hubs::KafkaClient;
use paystream_local::{KafkaCluster, KafkaSimulation, OffsetReset, Options};

use super::topic::{MAPPING, TestTopic, at, now_ms};
use crate::harness::ok;

#[tokio::test]
async fn the_starting_position_decides_whether_earlier_records_of_a_topic_are_delivered() {
    let Some(topic) = TestTopic::create(1).await else { return };
    let now = now_ms();
    topic.write_records(0, vec![at(now - 60_000, 0, "ok"), at(now - 20_000, 1, "ok")]).await;
    let since = ((now - 40_000) / 1_000).to_string();
    let latest = topic.probe(&[("TopicStart", "LATEST")]).await;
    let oldest = topic.probe(&[("TopicStart", "TRIM_HORIZON")]).await;
    let timestamp = [("TopicStart", "AT_TIMESTAMP"), ("StartTimestamp", &since), ("Start", "AT_TIMESTAMP")];
    let timestamp = topic.probe(&timestamp).await;
    topic.write(0, &[(2, "ok")]).await;
    for (probe, expected) in [(latest, vec![2]), (oldest, vec![0, 1, 2]), (timestamp, vec![1, 2])] {
        probe.eventually("the last is delivered", async || probe.delivered("topic").contains(&2)).await;
        assert_eq!(probe.delivered("topic"), expected);
    }
}

#[tokio::test]
async fn with_a_data_directory_a_restart_resumes_at_the_offset_of_the_checkpoint() {
    let Some(topic) = TestTopic::create(1).await else { return };
    let with_data =
        |options: Options| Options { data: Some(options.parameters["Directory"].clone().into()), ..options };
    let probe = topic.probe_with(tempfile::tempdir().unwrap(), &[], with_data).await;
    topic.write(0, &ok(0..3)).await;
    // Records written before the shutdown are handled before it completes.
    let directory = probe.stop().await;
    topic.write(0, &ok(3..5)).await;
    let probe = topic.probe_with(directory, &[], with_data).await;
    probe.eventually("the last is delivered", async || probe.delivered("topic").contains(&4)).await;
    assert_eq!(probe.journal("topic").concat(), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn added_partitions_are_read() {
    let Some(topic) = TestTopic::create(1).await else { return };
    let probe = topic.probe(&[]).await;
    topic.write(0, &[(0, "ok")]).await;
    topic.add_partitions(3).await;
    topic.write(2, &[(20, "ok")]).await;
    probe.received(2).await;
    assert_eq!(probe.event_source(MAPPING).await.shards.len(), 3);
}

#[tokio::test]
async fn a_topic_that_another_program_created_with_fewer_partitions_is_used_as_it_is() {
    let Some(topic) = TestTopic::create(1).await else { return };
    let client = KafkaClient::new(&topic.address);
    client.create_topic(&topic.name, 3).await.unwrap();
    assert_eq!(client.topic(&topic.name).await.unwrap().unwrap().partitions, [0].into());
}

#[tokio::test]
async fn a_topic_that_was_created_again_is_read_from_its_starting_position() {
    let Some(topic) = TestTopic::create(2).await else { return };
    let probe = topic.probe(&[]).await;
    topic.write(0, &ok(0..3)).await;
    topic.write(1, &ok(10..13)).await;
    probe.received(6).await;
    topic.delete().await;
    topic.create_again(1).await;
    topic.write(0, &ok(100..105)).await;
    probe.received(11).await;
    assert_eq!(probe.journal("topic").concat().split_at(6).1, [100, 101, 102, 103, 104]);
}

#[tokio::test]
async fn a_checkpoint_of_the_topic_before_it_was_created_again_is_not_used() {
    let Some(topic) = TestTopic::create(1).await else { return };
    let with_data =
        |options: Options| Options { data: Some(options.parameters["Directory"].clone().into()), ..options };
    let probe = topic.probe_with(tempfile::tempdir().unwrap(), &[], with_data).await;
    topic.write(0, &ok(0..3)).await;
    probe.received(3).await;
    let directory = probe.stop().await;
    topic.delete().await;
    topic.create_again(1).await;
    // More records than the old topic had: its checkpoint is an offset of the new topic.
    topic.write(0, &ok(100..110)).await;
    let probe = topic.probe_with(directory, &[], with_data).await;
    probe.eventually("the last is delivered", async || probe.delivered("topic").contains(&109)).await;
    assert_eq!(probe.journal("topic").concat(), [vec![0, 1, 2], (100..110).collect()].concat());
}

#[tokio::test]
async fn a_position_whose_records_have_expired_is_reset_as_configured() {
    for (reset, expected) in [
        (OffsetReset::StartingPosition, vec![0, 5, 6, 7]),
        (OffsetReset::Earliest, vec![0, 5, 6, 7]),
        (OffsetReset::Latest, vec![0, 7]),
    ] {
        let Some(topic) = TestTopic::create(1).await else { return };
        let simulation = KafkaSimulation { reset, ..KafkaSimulation::default() };
        // One record at a time, and the first one waits: the others are not read yet.
        let probe = topic.probe_simulating(simulation, &[("BatchSize", "1")]).await;
        topic.write(0, &[(0, "wait")]).await;
        probe.eventually("it is being worked on", async || !probe.journal("topic").is_empty()).await;
        topic.write(0, &ok(1..7)).await;
        topic.delete_before(5).await;
        probe.open_gate();
        let is_reset = async || probe.log.lock().unwrap().iter().any(|line| line.contains("continuing at"));
        probe.eventually("the position is reset", is_reset).await;
        topic.write(0, &[(7, "ok")]).await;
        probe.eventually("the last is delivered", async || probe.delivered("topic").contains(&7)).await;
        assert_eq!(probe.delivered("topic"), expected, "{reset:?}");
    }
}
