//! The quarantine table: records in parts, complete and unmodified.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue::{self, B, N, S};

use crate::{Quarantine, QuarantineError, QuarantinedRecord};

/// Maximum number of a record's bytes per item. The rest of DynamoDB's 400 KB item limit is left for other attributes.
pub const PART_BYTES_MAX: usize = 350 * 1024;

/// Time to live of a record, in days: long enough to notice the record, fix the cause and redrive.
pub const KEPT_DAYS: i64 = 30;

const KEPT_S: i64 = KEPT_DAYS * 24 * 60 * 60;

/// Quarantine in DynamoDB. A record is split into one item per [`PART_BYTES_MAX`], with its id as partition key and the
/// part number as sort key.
///
/// Part 0 also holds the metadata and the number of parts. It is written last, so a record that has a part 0 is
/// complete.
#[derive(Debug, Clone)]
pub struct QuarantineTable {
    client: Client,
    table: String,
}

impl QuarantineTable {
    /// Opens the table of this name. `client` must have timeouts configured.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    fn part(&self, record: &QuarantinedRecord, part: usize, bytes: &[u8]) -> PutItemFluentBuilder {
        let expires_at = (record.quarantined_at.unix_ms() / 1_000).saturating_add(KEPT_S);
        self.client
            .put_item()
            .table_name(&self.table)
            .item("record", S(record.id.to_string()))
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
            .item("partition_key", text(&record.partition_key))
            .item("arrived_at", text(&record.arrived_at.to_string()))
            .item("quarantined_at", text(&record.quarantined_at.to_string()))
            // A redelivery does not change a record that is already quarantined.
            .condition_expression("attribute_not_exists(#record)")
            .expression_attribute_names("#record", "record")
    }

    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> QuarantineError {
        let context = format!("could not quarantine a record in table {}", self.table);
        QuarantineError { context, source: source.into() }
    }
}

#[async_trait]
impl Quarantine for QuarantineTable {
    async fn store(&self, record: &QuarantinedRecord) -> Result<(), QuarantineError> {
        let (first, rest) = record.data.split_at(record.data.len().min(PART_BYTES_MAX));
        let rest = rest.chunks(PART_BYTES_MAX);
        let parts = rest.len().saturating_add(1);
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
