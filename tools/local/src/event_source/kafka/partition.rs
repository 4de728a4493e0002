//! Read position and unsettled records of each partition.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::super::ledger::Ledger;
use crate::hubs::FetchPosition;

/// Partitions of a topic that are read, by number.
pub(super) type Partitions = BTreeMap<i32, Partition>;

/// Position in one partition.
#[derive(Debug)]
pub(super) struct Partition {
    /// `<topic>-<partition>`.
    pub(super) id: Arc<str>,
    /// Offset to read next.
    pub(super) next: i64,
    /// True if the topic was created again with fewer partitions.
    pub(super) is_gone: bool,
    pub(super) ledger: Ledger,
}

/// Returns the positions from which nothing was read yet; `None` while a record that was read is not settled.
pub(super) fn unread(partitions: &Partitions) -> Option<Vec<FetchPosition>> {
    let present = partitions.iter().filter(|(_, state)| !state.is_gone);
    let unread = present.map(|(partition, state)| {
        let position = FetchPosition { partition: *partition, offset: state.next };
        state.ledger.is_settled().then_some(position)
    });
    unread.collect()
}

/// Checkpoint: the last settled offset, and the topic that has it. A topic that was created again has other records at
/// the same offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) offset: i64,
    pub(super) topic: Uuid,
}

impl Checkpoint {
    /// Reads the form in which checkpoints are stored.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (offset, topic) = text.split_once('@')?;
        Some(Self { offset: offset.parse().ok()?, topic: topic.parse().ok()? })
    }
}

impl std::fmt::Display for Checkpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}@{}", self.offset, self.topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_of_a_topic_names_the_topic_that_has_the_offset() {
        let checkpoint = Checkpoint { offset: 41, topic: Uuid::from_u128(7) };
        assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Some(checkpoint));
        for other in ["41", "@", "41@x", "shardId-1"] {
            assert_eq!(Checkpoint::parse(other), None, "{other}");
        }
    }
}
