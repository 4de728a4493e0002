//! Data directory: tables and checkpoints that survive a restart.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StartError;
use crate::emulators::DynamoDb;
use crate::event_source::Checkpoints;

const DATABASE: &str = "dynamodb.sqlite";
const LOCK: &str = "lock";

/// Tables and checkpoints of an environment, locked against use by another one.
pub(super) struct DataDirectory {
    pub(super) dynamodb: DynamoDb,
    pub(super) checkpoints: Option<Arc<Checkpoints>>,
    /// Excludes other environments, each of which would miss the writes of the other. The lock is released when the
    /// process ends, also after a crash.
    _lock: Option<File>,
}

impl DataDirectory {
    /// Opens the directory and creates it if necessary; without one, everything is in memory.
    pub(super) fn open(directory: Option<&Path>) -> Result<Self, StartError> {
        let Some(directory) = directory else {
            let dynamodb = DynamoDb::open(None).map_err(|error| StartError::Emulator(error.to_string()))?;
            return Ok(Self { dynamodb, checkpoints: None, _lock: None });
        };
        let path = PathBuf::from(directory);
        let unusable = |reason: String| StartError::Data { path: path.clone(), reason };
        std::fs::create_dir_all(directory).map_err(|error| unusable(error.to_string()))?;
        let lock = File::create(directory.join(LOCK)).map_err(|error| unusable(error.to_string()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StartError::DataInUse(path)),
            Err(TryLockError::Error(error)) => return Err(unusable(error.to_string())),
        }
        let dynamodb = DynamoDb::open(Some(&directory.join(DATABASE))).map_err(|error| unusable(error.to_string()))?;
        let checkpoints = Checkpoints::open(directory).map_err(|error| unusable(error.to_string()))?;
        Ok(Self { dynamodb, checkpoints: Some(Arc::new(checkpoints)), _lock: Some(lock) })
    }
}
