//! In-memory quarantine.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::{Quarantine, QuarantineError, QuarantinedRecord};

/// Quarantine in memory. Can be set to fail for a position.
#[derive(Debug, Default)]
pub struct MemoryQuarantine {
    records: Mutex<Vec<QuarantinedRecord>>,
    failing: Mutex<Vec<String>>,
}

impl MemoryQuarantine {
    /// Returns all records, in the order in which they were quarantined.
    pub fn records(&self) -> Vec<QuarantinedRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes [`Quarantine::store`] fail for records at this position from now on.
    pub fn fail_for(&self, position: &str) {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).push(position.to_owned());
    }
}

#[async_trait]
impl Quarantine for MemoryQuarantine {
    async fn store(&self, record: &QuarantinedRecord) -> Result<(), QuarantineError> {
        if self
            .failing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .any(|failing| failing == record.id.position())
        {
            return Err(QuarantineError {
                context: "could not quarantine the record".into(),
                source: "the test set it to fail".into(),
            });
        }
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if !records.iter().any(|known| known.id == record.id) {
            records.push(record.clone());
        }
        Ok(())
    }
}
