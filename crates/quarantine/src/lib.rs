//! Quarantine of records that a consumer cannot process, so that they neither block the records behind them nor get lost.
//!
//! A consumer writes through the port [`Quarantine`]; its DynamoDB adapter is [`QuarantineTable`]. Operator tools read
//! through [`QuarantineRecords`]. Each service has a table of its own.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod digest;
mod record;
mod records;
mod table;
#[cfg(feature = "testing")]
mod testing;

use async_trait::async_trait;

pub use digest::digest;
pub use record::{InvalidRecordId, QuarantinedRecord, Reason, RecordId};
pub use records::{QuarantineRecords, RecordSummary};
pub use table::{KEPT_DAYS, PART_BYTES_MAX, QuarantineTable};
#[cfg(feature = "testing")]
pub use testing::MemoryQuarantine;

/// Storage of records that cannot be processed.
#[async_trait]
pub trait Quarantine: Send + Sync {
    /// Stores the whole record. MUST be idempotent: a record is stored once, as it was first quarantined.
    async fn store(&self, record: &QuarantinedRecord) -> Result<(), QuarantineError>;
}

/// A call to the quarantine failed. A write may have taken effect.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct QuarantineError {
    /// The attempted operation and the table.
    pub context: String,
    /// Cause of the failure.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
