//! In-memory quarantine.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::{Quarantine, QuarantinedRecord, StoreError};

/// Quarantine in memory. Can be set to fail for a sequence number.
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

    /// Makes [`Quarantine::set_aside`] fail for this sequence number from now on.
    pub fn fail_for(&self, sequence_number: &str) {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).push(sequence_number.to_owned());
    }
}

#[async_trait]
impl Quarantine for MemoryQuarantine {
    async fn set_aside(&self, record: &QuarantinedRecord) -> Result<(), StoreError> {
        if self.failing.lock().unwrap_or_else(PoisonError::into_inner).contains(&record.sequence_number) {
            return Err(StoreError {
                context: "could not quarantine the record".into(),
                source: "the test set it to fail".into(),
            });
        }
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let place = |record: &QuarantinedRecord| (record.shard_id.clone(), record.sequence_number.clone());
        if !records.iter().any(|known| place(known) == place(record)) {
            records.push(record.clone());
        }
        Ok(())
    }
}
