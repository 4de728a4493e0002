//! A quarantine in memory.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::{Quarantine, QuarantinedRecord, StoreError};

/// Keeps what is set aside, and fails for the sequence numbers it is told to.
#[derive(Debug, Default)]
pub struct MemoryQuarantine {
    records: Mutex<Vec<QuarantinedRecord>>,
    failing: Mutex<Vec<String>>,
}

impl MemoryQuarantine {
    /// Everything set aside so far, in order.
    pub fn records(&self) -> Vec<QuarantinedRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on, the record in this place cannot be set aside.
    pub fn fail_for(&self, sequence_number: &str) {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).push(sequence_number.to_owned());
    }
}

#[async_trait]
impl Quarantine for MemoryQuarantine {
    async fn set_aside(&self, record: &QuarantinedRecord) -> Result<(), StoreError> {
        if self.failing.lock().unwrap_or_else(PoisonError::into_inner).contains(&record.sequence_number) {
            return Err(StoreError {
                context: "the record cannot be set aside".into(),
                source: "it is set to fail".into(),
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
