//! Topics.

use std::collections::BTreeMap;

use super::super::*;
use super::{AGE, Case};

fn topic() -> KafkaFacts {
    let partition = |partition| PartitionFacts { partition, has_leader: true, replicas: 3, in_sync: 3, end: Some(10) };
    let configuration = [
        ("cleanup.policy", "delete"),
        ("retention.ms", "604800000"),
        ("retention.bytes", "-1"),
        ("min.insync.replicas", "2"),
        ("unclean.leader.election.enable", "false"),
        ("max.message.bytes", "1048588"),
        ("message.timestamp.type", "CreateTime"),
        ("message.timestamp.before.max.ms", "9223372036854775807"),
        ("message.timestamp.after.max.ms", "3600000"),
    ];
    let configuration = configuration.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    KafkaFacts {
        topic: Some(TopicFacts { partitions: (0..4).map(partition).collect(), configuration }),
        committed: BTreeMap::from([(0, 10), (3, 0)]),
        read_partitions: 4,
        recorded_partitions: Some(4),
    }
}

fn changed(change: impl Fn(&mut KafkaFacts)) -> Findings {
    let mut facts = topic();
    change(&mut facts);
    kafka(&facts, AGE)
}

fn configured(name: &str, value: &str) -> Findings {
    changed(|facts| _ = facts.topic.as_mut().unwrap().configuration.insert(name.to_owned(), value.to_owned()))
}

/// A topic whose brokers do not show a setting.
fn without(name: &str) -> Findings {
    changed(|facts| _ = facts.topic.as_mut().unwrap().configuration.remove(name))
}

/// Changes the partitions with these numbers.
fn of_partitions(numbers: &[i32], change: impl Fn(&mut PartitionFacts)) -> Findings {
    changed(|facts| {
        let partitions = facts.topic.as_mut().unwrap().partitions.iter_mut();
        partitions.filter(|partition| numbers.contains(&partition.partition)).for_each(&change);
    })
}

/// Numbers of partitions that the operator, the mapping and the consumer group know. The topic has 4.
fn known(recorded: Option<usize>, read: usize, committed: &[i32]) -> Findings {
    changed(|facts| {
        (facts.recorded_partitions, facts.read_partitions) = (recorded, read);
        facts.committed = committed.iter().map(|partition| (*partition, 0)).collect();
    })
}

pub(super) fn cases() -> Vec<Case> {
    [partitions(), replicas(), settings()].concat()
}

fn partitions() -> Vec<Case> {
    let fewer = "kafka-partitions-fewer";
    vec![
        ("kafka-topic-missing", "it does not exist", kafka(&KafkaFacts::default(), AGE)),
        (
            "kafka-partition-offline",
            "partitions 0, 2 without a leader",
            of_partitions(&[0, 2], |partition| (partition.has_leader, partition.in_sync) = (false, 0)),
        ),
        (fewer, "4 partitions, 5 before", known(Some(5), 4, &[3])),
        (fewer, "4 partitions, 6 before", known(None, 6, &[])),
        (fewer, "4 partitions, 7 before", known(Some(4), 0, &[2, 6])),
        // The topic was created again with more partitions than were recorded, and fewer than it had.
        (fewer, "4 partitions, 5 before", known(Some(3), 5, &[])),
        ("kafka-partitions-more", "4 partitions, 3 before", known(Some(3), 3, &[2])),
        // Orders has read an added partition.
        ("kafka-partitions-more", "4 partitions, 3 before", known(Some(3), 4, &[3])),
        (
            "kafka-offset-beyond-end",
            "partition 1: committed offset 11, end 10",
            changed(|facts| _ = facts.committed.insert(1, 11)),
        ),
    ]
}

fn replicas() -> Vec<Case> {
    vec![
        (
            "kafka-one-replica",
            "1 replica",
            of_partitions(&[2], |partition| (partition.replicas, partition.in_sync) = (1, 2)),
        ),
        ("kafka-min-insync-low", "min.insync.replicas 1, 3 replicas", configured("min.insync.replicas", "1")),
        ("kafka-min-insync-high", "min.insync.replicas 3, 3 replicas", configured("min.insync.replicas", "3")),
        (
            "kafka-min-insync-high",
            "min.insync.replicas 2, 2 replicas",
            of_partitions(&[3], |partition| (partition.replicas, partition.in_sync) = (2, 2)),
        ),
        (
            "kafka-too-few-in-sync",
            "partitions 1, 3 with fewer replicas in sync than min.insync.replicas 2",
            of_partitions(&[1, 3], |partition| partition.in_sync = 1),
        ),
    ]
}

fn settings() -> Vec<Case> {
    let bytes = "max.message.bytes 525311, the relay sends batches of up to 525312";
    let (before, after) = ("message.timestamp.before.max.ms", "message.timestamp.after.max.ms");
    vec![
        ("kafka-compacted", "cleanup.policy compact", configured("cleanup.policy", "compact")),
        ("kafka-compacted", "cleanup.policy delete, compact", configured("cleanup.policy", "delete, compact")),
        (
            "kafka-retention-short",
            "retention.ms 43200000, record age of the mapping 43200 s",
            configured("retention.ms", "43200000"),
        ),
        ("kafka-retention-bytes", "retention.bytes 1073741824", configured("retention.bytes", "1073741824")),
        ("kafka-retention-bytes", "retention.bytes 0", configured("retention.bytes", "0")),
        (
            "kafka-unclean-election",
            "unclean.leader.election.enable true",
            configured("unclean.leader.election.enable", "true"),
        ),
        ("kafka-message-bytes", bytes, configured("max.message.bytes", "525311")),
        ("kafka-timestamp-bound", "message.timestamp.before.max.ms 59999", configured(before, "59999")),
        ("kafka-timestamp-bound", "message.timestamp.after.max.ms 59999", configured(after, "59999")),
    ]
}

#[test]
fn a_sound_topic_has_no_findings() {
    for (name, value) in [
        ("cleanup.policy", "delete"),
        ("retention.ms", "-1"),
        ("retention.ms", "43200001"),
        ("max.message.bytes", "525312"),
        ("message.timestamp.before.max.ms", "60000"),
        ("message.timestamp.after.max.ms", "60000"),
    ] {
        assert_eq!(configured(name, value), Findings::default(), "{name} {value}");
    }
    // A mapping without a bound is a finding of its own.
    assert_eq!(kafka(&topic(), None), Findings::default());
    assert_eq!(known(None, 0, &[]), Findings::default());
    let two_of_four = of_partitions(&[0, 1, 2, 3], |partition| (partition.replicas, partition.in_sync) = (4, 2));
    assert_eq!(two_of_four, Findings::default());
}

#[test]
fn settings_and_ends_that_the_brokers_do_not_show_are_no_findings() {
    for name in topic().topic.unwrap().configuration.keys() {
        assert_eq!(without(name), Findings::default(), "{name}");
    }
    let unknown_ends = changed(|facts| {
        facts.committed.insert(1, 11);
        facts.topic.as_mut().unwrap().partitions.iter_mut().for_each(|partition| partition.end = None);
    });
    assert_eq!(unknown_ends, Findings::default());
}

/// Without a type of timestamps, Kafka's default counts.
#[test]
fn a_bound_on_timestamps_applies_unless_the_broker_sets_them() {
    let bounded = |kind: Option<&str>| {
        changed(|facts| {
            let configuration = &mut facts.topic.as_mut().unwrap().configuration;
            configuration.insert("message.timestamp.after.max.ms".to_owned(), "1000".to_owned());
            match kind {
                Some(kind) => configuration.insert("message.timestamp.type".to_owned(), kind.to_owned()),
                None => configuration.remove("message.timestamp.type"),
            };
        })
    };
    assert_eq!(bounded(Some("LogAppendTime")), Findings::default());
    for kind in [None, Some("CreateTime")] {
        assert_eq!(bounded(kind).codes(), ["kafka-timestamp-bound"]);
    }
}

/// Compaction alone keeps the last record of each key for ever.
#[test]
fn retention_counts_only_with_the_policy_delete() {
    let retained = |policy: Option<&str>| {
        changed(|facts| {
            let configuration = &mut facts.topic.as_mut().unwrap().configuration;
            for (name, value) in [("retention.ms", "1"), ("retention.bytes", "1")] {
                configuration.insert(name.to_owned(), value.to_owned());
            }
            match policy {
                Some(policy) => configuration.insert("cleanup.policy".to_owned(), policy.to_owned()),
                None => configuration.remove("cleanup.policy"),
            };
        })
    };
    assert_eq!(retained(Some("compact")).codes(), ["kafka-compacted"]);
    let all = ["kafka-compacted", "kafka-retention-short", "kafka-retention-bytes"];
    assert_eq!(retained(Some("compact,delete")).codes(), all);
    // Without a policy, Kafka's default counts.
    for policy in [Some("delete"), None] {
        assert_eq!(retained(policy).codes(), all[1..]);
    }
}
