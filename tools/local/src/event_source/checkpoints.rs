//! Checkpoints of shards that survive a restart, in the data directory.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

const FILE: &str = "checkpoints.json";

/// Sequence numbers by mapping and shard, stored in a JSON file.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    file: PathBuf,
    positions: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
}

impl Checkpoints {
    /// Reads the checkpoints of a directory. A missing file means no checkpoints.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let file = directory.join(FILE);
        let positions = match std::fs::read(&file) {
            Ok(json) => serde_json::from_slice(&json)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { file, positions: Mutex::new(positions) })
    }

    pub(super) fn get(&self, mapping: &str, shard: &str) -> Option<String> {
        let positions = self.positions.lock();
        positions.get(mapping)?.get(shard).cloned()
    }

    /// Saves a checkpoint. The file is replaced by a rename, so that it is never half written.
    pub(super) fn set(&self, mapping: &str, shard: &str, sequence_number: &str) -> io::Result<()> {
        let mut positions = self.positions.lock();
        positions.entry(mapping.to_owned()).or_default().insert(shard.to_owned(), sequence_number.to_owned());
        let next = self.file.with_extension("json.next");
        std::fs::write(&next, serde_json::to_vec_pretty(&*positions)?)?;
        std::fs::rename(&next, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_survive_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::open(directory.path()).unwrap();
        assert_eq!(checkpoints.get("PaymentRelayChanged", "shard-1"), None);
        checkpoints.set("PaymentRelayChanged", "shard-1", "41").unwrap();
        checkpoints.set("PaymentRelayChanged", "shard-1", "42").unwrap();
        let again = Checkpoints::open(directory.path()).unwrap();
        assert_eq!(again.get("PaymentRelayChanged", "shard-1").as_deref(), Some("42"));
        assert_eq!(again.get("PaymentRelayChanged", "shard-2"), None);
    }

    #[test]
    fn a_corrupt_checkpoint_file_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(FILE), "{").unwrap();
        assert!(Checkpoints::open(directory.path()).is_err());
    }
}
