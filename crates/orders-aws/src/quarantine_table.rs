//! The quarantine table: records that cannot be read, whole.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue::{self, B, N, S};
use orders::{Quarantine, QuarantinedRecord, StoreError};

/// The most of a record's bytes that one item holds: below DynamoDB's 400 KB by more than all else in the item takes.
pub const PART_BYTES_MAX: usize = 350 * 1024;

/// How long a record is kept, in days. It is longer than it takes to notice, mend and send it again.
pub const KEPT_DAYS: i64 = 30;

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// Quarantine in DynamoDB. A record is one item for each [`PART_BYTES_MAX`] of it, under `<shard>#<sequence number>`.
///
/// Part 0 holds, beside its bytes, what is known of the record and how many parts it has. It is written last: a record
/// whose part 0 is there is there whole.
#[derive(Debug, Clone)]
pub struct QuarantineTable {
    client: Client,
    table: String,
}

impl QuarantineTable {
    /// The table of this name. Every call of `client` must have a timeout.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    fn part(&self, record: &QuarantinedRecord, part: usize, bytes: &[u8]) -> PutItemFluentBuilder {
        let expires_at = record.quarantined_at.unix_ms() / 1_000 + KEPT_DAYS * SECONDS_A_DAY;
        self.client
            .put_item()
            .table_name(&self.table)
            .item("record", S(format!("{}#{}", record.shard_id, record.sequence_number)))
            .item("part", N(part.to_string()))
            .item("data", B(Blob::new(bytes)))
            .item("expires_at", N(expires_at.to_string()))
    }

    fn first_part(&self, record: &QuarantinedRecord, parts: usize, bytes: &[u8]) -> PutItemFluentBuilder {
        let text = |text: &str| S(text.to_owned());
        let count = |count: usize| AttributeValue::N(count.to_string());
        self.part(record, 0, bytes)
            .item("parts", count(parts))
            .item("bytes", count(record.data.len()))
            .item("reason", text(record.reason.as_str()))
            .item("shard_id", text(&record.shard_id))
            .item("sequence_number", text(&record.sequence_number))
            .item("partition_key", text(&record.partition_key))
            .item("arrived_at", text(&record.arrived_at.to_string()))
            .item("quarantined_at", text(&record.quarantined_at.to_string()))
            // The record stays as it was first set aside.
            .condition_expression("attribute_not_exists(#record)")
            .expression_attribute_names("#record", "record")
    }

    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        let context = format!("could not set a record aside in table {}", self.table);
        StoreError { context, source: source.into() }
    }
}

#[async_trait]
impl Quarantine for QuarantineTable {
    async fn set_aside(&self, record: &QuarantinedRecord) -> Result<(), StoreError> {
        let (first, rest) = record.data.split_at(record.data.len().min(PART_BYTES_MAX));
        let rest = rest.chunks(PART_BYTES_MAX);
        let parts = 1 + rest.len();
        for (part, bytes) in (1..).zip(rest) {
            self.part(record, part, bytes).send().await.map_err(|error| self.failed(error))?;
        }
        match self.first_part(record, parts, first).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(())
            }
            Err(error) => Err(self.failed(error)),
        }
    }
}
