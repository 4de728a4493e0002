//! In-memory quarantine.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::{Quarantine, QuarantineError, QuarantinedRecord};

/// Quarantine in memory. Can be set to fail for a position, or for a record's data.
#[derive(Debug, Default)]
pub struct MemoryQuarantine {
    records: Mutex<Vec<QuarantinedRecord>>,
    failing: Mutex<Vec<String>>,
    failing_data: Mutex<Vec<Vec<u8>>>,
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

    /// Makes [`Quarantine::store`] fail for records with this data from now on.
    pub fn fail_for_data(&self, data: &[u8]) {
        self.failing_data.lock().unwrap_or_else(PoisonError::into_inner).push(data.to_vec());
    }

    fn fails_for(&self, record: &QuarantinedRecord) -> bool {
        let positions = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let data = self.failing_data.lock().unwrap_or_else(PoisonError::into_inner);
        positions.iter().any(|failing| failing == record.id.position()) || data.contains(&record.data)
    }
}

#[async_trait]
impl Quarantine for MemoryQuarantine {
    async fn store(&self, record: &QuarantinedRecord) -> Result<(), QuarantineError> {
        if self.fails_for(record) {
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
