//! Checks of a Kafka topic.

use std::collections::BTreeMap;

use super::Effect::{Loses, Reorders, Stops};
use super::{Condition, Findings};

const MISSING: Condition = Condition {
    code: "kafka-topic-missing",
    effect: Stops,
    consequence: "Nothing is published.",
    remedy: "Create the topic as docs/deploying.md says. If it existed before, run `paystream reconcile`.",
};
const NO_LEADER: Condition = Condition {
    code: "kafka-partition-offline",
    effect: Stops,
    consequence: "Payments of this partition are neither published nor read.",
    remedy: "Bring the brokers of the partition back.",
};
const FEWER_PARTITIONS: Condition = Condition {
    code: "kafka-partitions-fewer",
    effect: Loses,
    consequence: "The topic was deleted and created again: records that Orders had not read are gone.",
    remedy: "Add the partitions that are missing, and run `paystream reconcile`.",
};
const MORE_PARTITIONS: Condition = Condition {
    code: "kafka-partitions-more",
    effect: Reorders,
    consequence: "Keys move to other partitions: versions from before and after the change are read in any order.",
    remedy: "Wait until Orders has read all records from before, then record the new number. Orders keeps the highest version.",
};
const BEYOND_END: Condition = Condition {
    code: "kafka-offset-beyond-end",
    effect: Loses,
    consequence: "The topic was created again: Orders' consumer group has a position that the partition has not reached.",
    remedy: "Reset the group's offsets to the earliest (the mapping is disabled meanwhile), and run `paystream reconcile`.",
};
const ONE_REPLICA: Condition = Condition {
    code: "kafka-one-replica",
    effect: Loses,
    consequence: "Acknowledged records are lost with the disk of one broker, and nothing is published while it is down.",
    remedy: "Reassign the partitions to three replicas, and set min.insync.replicas to 2.",
};
const MIN_IN_SYNC_LOW: Condition = Condition {
    code: "kafka-min-insync-low",
    effect: Loses,
    consequence: "Kafka acknowledges a record that one broker alone has: it is lost with that broker.",
    remedy: "Set min.insync.replicas to 2 with three replicas.",
};
const MIN_IN_SYNC_HIGH: Condition = Condition {
    code: "kafka-min-insync-high",
    effect: Stops,
    consequence: "Nothing is published while one broker is down, also for its maintenance.",
    remedy: "Set min.insync.replicas below the number of replicas: 2 with three replicas.",
};
const UNDER_REPLICATED: Condition = Condition {
    code: "kafka-too-few-in-sync",
    effect: Stops,
    consequence: "Kafka refuses records of this partition now.",
    remedy: "Bring the brokers of the partition back.",
};
const COMPACTED: Condition = Condition {
    code: "kafka-compacted",
    effect: Loses,
    consequence: "Compaction removes versions: the key is the order, so only the last event of an order remains.",
    remedy: "Set cleanup.policy to delete, and run `paystream reconcile`.",
};
const RETENTION_TIME: Condition = Condition {
    code: "kafka-retention-short",
    effect: Loses,
    consequence: "Kafka drops records that the projector's mapping still retries; they reach no on-failure destination.",
    remedy: "Raise retention.ms above the mapping's MaximumRecordAgeInSeconds: 24 hours or more.",
};
const RETENTION_BYTES: Condition = Condition {
    code: "kafka-retention-bytes",
    effect: Loses,
    consequence: "Kafka drops the oldest records of a partition at this size, whether or not Orders has read them.",
    remedy: "Set retention.bytes to -1.",
};
const UNCLEAN_ELECTION: Condition = Condition {
    code: "kafka-unclean-election",
    effect: Loses,
    consequence: "A broker without the latest records may become the leader, and discards them.",
    remedy: "Set unclean.leader.election.enable to false.",
};
const MESSAGE_BYTES: Condition = Condition {
    code: "kafka-message-bytes",
    effect: Stops,
    consequence: "Kafka refuses a batch of events; the relay quarantines an event that is refused alone.",
    remedy: "Set max.message.bytes to 1048588 or more.",
};
const TIMESTAMP_BOUND: Condition = Condition {
    code: "kafka-timestamp-bound",
    effect: Stops,
    consequence: "Kafka refuses events if the clocks of relay and broker differ by more than this.",
    remedy: "Raise message.timestamp.before.max.ms and message.timestamp.after.max.ms to an hour or more.",
};

/// Conditions of a Kafka topic.
pub(super) const CONDITIONS: [&Condition; 15] = [
    &MISSING,
    &NO_LEADER,
    &FEWER_PARTITIONS,
    &MORE_PARTITIONS,
    &BEYOND_END,
    &ONE_REPLICA,
    &MIN_IN_SYNC_LOW,
    &MIN_IN_SYNC_HIGH,
    &UNDER_REPLICATED,
    &COMPACTED,
    &RETENTION_TIME,
    &RETENTION_BYTES,
    &UNCLEAN_ELECTION,
    &MESSAGE_BYTES,
    &TIMESTAMP_BOUND,
];

/// Largest batch of the relay: 512 KiB of records (`payments-kafka`), and a batch's header.
const BATCH_BYTES_MAX: i64 = 512 * 1_024 + 1_024;
/// Bound on the age of a timestamp below which a wrong clock matters.
const CLOCK_BOUND_LOW_MS: i64 = 60_000;

/// A topic, and the consumer group of Orders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KafkaFacts {
    /// `None` if the topic does not exist.
    pub topic: Option<TopicFacts>,
    /// Committed offsets of Orders' consumer group, by partition.
    pub committed: BTreeMap<i32, i64>,
    /// Partitions that mappings of a local environment have read.
    pub read_partitions: usize,
    /// Number of partitions that the operator has recorded.
    pub recorded_partitions: Option<usize>,
}

/// Settings of a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicFacts {
    /// Partitions, in order.
    pub partitions: Vec<PartitionFacts>,
    /// Effective configuration: of the topic, or of the broker.
    pub configuration: BTreeMap<String, String>,
}

/// State of a partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartitionFacts {
    /// Number.
    pub partition: i32,
    /// True if it has a leader.
    pub has_leader: bool,
    /// Number of replicas.
    pub replicas: usize,
    /// Number of replicas in sync.
    pub in_sync: usize,
    /// Offset after the newest record, if it is known.
    pub end: Option<i64>,
}

impl TopicFacts {
    fn number(&self, name: &str) -> Option<i64> {
        self.configuration.get(name)?.parse().ok()
    }

    fn shown(&self, name: &str) -> String {
        format!("{name} {}", self.configuration.get(name).map_or("unknown", String::as_str))
    }
}

/// Checks a topic. `record_age_seconds_max` is the bound of the projector's mapping, if it has one.
pub fn kafka(facts: &KafkaFacts, record_age_seconds_max: Option<u64>) -> Findings {
    let mut findings = Findings::default();
    let Some(topic) = &facts.topic else {
        findings.add(&MISSING, "it does not exist");
        return findings;
    };
    partitions(&mut findings, facts, topic);
    replicas(&mut findings, topic);
    retention(&mut findings, topic, record_age_seconds_max);
    let unclean = topic.configuration.get("unclean.leader.election.enable").is_some_and(|value| value == "true");
    findings.add_if(unclean, &UNCLEAN_ELECTION, || topic.shown("unclean.leader.election.enable"));
    let is_small = topic.number("max.message.bytes").is_some_and(|bytes| bytes < BATCH_BYTES_MAX);
    findings.add_if(is_small, &MESSAGE_BYTES, || {
        format!("{}, the relay sends batches of up to {BATCH_BYTES_MAX}", topic.shown("max.message.bytes"))
    });
    // With LogAppendTime the broker's own clock counts.
    if topic.configuration.get("message.timestamp.type").is_none_or(|kind| kind == "CreateTime") {
        for name in ["message.timestamp.before.max.ms", "message.timestamp.after.max.ms"] {
            let is_low = topic.number(name).is_some_and(|bound| bound < CLOCK_BOUND_LOW_MS);
            findings.add_if(is_low, &TIMESTAMP_BOUND, || topic.shown(name));
        }
    }
    findings
}

/// Compares the partitions with those that the topic had. Kafka never removes partitions: fewer of them means another
/// topic of the same name. Their number is known from the offsets of the consumer group, which name the partitions that
/// it has read, and from the operator's record.
fn partitions(findings: &mut Findings, facts: &KafkaFacts, topic: &TopicFacts) {
    let count = topic.partitions.len();
    let committed = facts.committed.keys().next_back().and_then(|last| usize::try_from(last + 1).ok()).unwrap_or(0);
    let known = committed.max(facts.read_partitions).max(facts.recorded_partitions.unwrap_or(0));
    findings.add_if(count < known, &FEWER_PARTITIONS, || format!("{count} partitions, {known} before"));
    let recorded = facts.recorded_partitions.filter(|recorded| count > *recorded && known <= count);
    findings.add_if(recorded.is_some(), &MORE_PARTITIONS, || {
        format!("{count} partitions, {} before", recorded.unwrap_or_default())
    });
    for partition in &topic.partitions {
        let offset = facts.committed.get(&partition.partition);
        if let (Some(offset), Some(end)) = (offset, partition.end) {
            findings.add_if(*offset > end, &BEYOND_END, || {
                format!("partition {}: committed offset {offset}, end {end}", partition.partition)
            });
        }
    }
    let offline: Vec<_> = topic.partitions.iter().filter(|partition| !partition.has_leader).collect();
    findings.add_if(!offline.is_empty(), &NO_LEADER, || format!("{} without a leader", numbers(&offline)));
}

fn replicas(findings: &mut Findings, topic: &TopicFacts) {
    let replicas = topic.partitions.iter().map(|partition| partition.replicas).min().unwrap_or(0);
    let min_in_sync = topic.number("min.insync.replicas").and_then(|number| usize::try_from(number).ok());
    if replicas < 2 {
        findings.add(&ONE_REPLICA, format!("{replicas} replica"));
    } else if let Some(least) = min_in_sync {
        findings.add_if(least < 2, &MIN_IN_SYNC_LOW, || {
            format!("{}, {replicas} replicas", topic.shown("min.insync.replicas"))
        });
        findings.add_if(least >= replicas, &MIN_IN_SYNC_HIGH, || {
            format!("{}, {replicas} replicas", topic.shown("min.insync.replicas"))
        });
    }
    let few = |partition: &&PartitionFacts| min_in_sync.is_some_and(|least| partition.in_sync < least);
    let few: Vec<_> = topic.partitions.iter().filter(|partition| partition.has_leader).filter(few).collect();
    findings.add_if(!few.is_empty(), &UNDER_REPLICATED, || {
        format!("{} with fewer replicas in sync than {}", numbers(&few), topic.shown("min.insync.replicas"))
    });
}

fn retention(findings: &mut Findings, topic: &TopicFacts, record_age_seconds_max: Option<u64>) {
    let policy = topic.configuration.get("cleanup.policy").map_or("delete", String::as_str);
    let policies: Vec<_> = policy.split(',').map(str::trim).collect();
    findings.add_if(policies.contains(&"compact"), &COMPACTED, || topic.shown("cleanup.policy"));
    if !policies.contains(&"delete") {
        return;
    }
    // -1 keeps records for ever.
    let kept_ms = topic.number("retention.ms").and_then(|kept| u64::try_from(kept).ok());
    if let (Some(kept_ms), Some(age)) = (kept_ms, record_age_seconds_max) {
        findings.add_if(kept_ms <= age.saturating_mul(1_000), &RETENTION_TIME, || {
            format!("{}, record age of the mapping {age} s", topic.shown("retention.ms"))
        });
    }
    let is_bounded = topic.number("retention.bytes").is_some_and(|bytes| bytes >= 0);
    findings.add_if(is_bounded, &RETENTION_BYTES, || topic.shown("retention.bytes"));
}

/// Formats partition numbers: `partitions 0, 2`.
fn numbers(partitions: &[&PartitionFacts]) -> String {
    let numbers: Vec<_> = partitions.iter().map(|partition| partition.partition.to_string()).collect();
    format!("partitions {}", numbers.join(", "))
}
