//! Order of shards: parents are read before their children.

use std::collections::BTreeSet;

use crate::emulators::ShardInfo;

/// Ids of the shards whose reading has begun, and of those that are read to the end.
#[derive(Default)]
pub(super) struct Lineage {
    pub(super) begun: BTreeSet<String>,
    pub(super) finished: BTreeSet<String>,
}

impl Lineage {
    /// Returns the shards that may be read now: not begun, and every parent that still exists is finished.
    pub(super) fn ready(&self, shards: &[ShardInfo]) -> Vec<String> {
        let exists = |id: &String| shards.iter().any(|shard| shard.id == *id);
        let is_ready = |shard: &&ShardInfo| {
            !self.begun.contains(&shard.id) && shard.parents.iter().all(|id| !exists(id) || self.finished.contains(id))
        };
        shards.iter().filter(is_ready).map(|shard| shard.id.clone()).collect()
    }

    /// Marks closed shards as finished, for a mapping that starts at `LATEST`.
    pub(super) fn skip_closed(&mut self, shards: &[ShardInfo]) {
        for shard in shards.iter().filter(|shard| shard.is_closed) {
            self.begun.insert(shard.id.clone());
            self.finished.insert(shard.id.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, parents: &[&str], is_closed: bool) -> ShardInfo {
        ShardInfo { id: id.to_owned(), parents: parents.iter().map(|id| (*id).to_owned()).collect(), is_closed }
    }

    #[test]
    fn children_are_read_after_all_their_parents() {
        let shards = [
            shard("a", &[], true),
            shard("b", &[], true),
            shard("c", &["a", "b"], false),
            shard("d", &["gone"], false),
        ];
        let mut lineage = Lineage::default();
        assert_eq!(lineage.ready(&shards), ["a", "b", "d"]);
        lineage.begun.extend(["a", "b", "d"].map(str::to_owned));
        lineage.finished.insert("a".to_owned());
        assert!(lineage.ready(&shards).is_empty());
        lineage.finished.insert("b".to_owned());
        assert_eq!(lineage.ready(&shards), ["c"]);
    }

    #[test]
    fn a_mapping_that_starts_at_latest_skips_closed_shards() {
        let shards = [shard("a", &[], true), shard("b", &["a"], false)];
        let mut lineage = Lineage::default();
        lineage.skip_closed(&shards);
        assert_eq!(lineage.ready(&shards), ["b"]);
    }
}
