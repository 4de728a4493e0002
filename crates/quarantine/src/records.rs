//! Access to quarantined records, for operator tools: list, load and drop. The functions only write.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use payment_events::Timestamp;

use crate::{QuarantineError, QuarantinedRecord, Reason, RecordId};

type Attributes = HashMap<String, AttributeValue>;

/// Attributes of part 0, without its data.
const KNOWN: &str = "#record, #bytes, #reason, #partition_key, #arrived_at, #quarantined_at";

/// Metadata of a quarantined record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSummary {
    /// Id of the record.
    pub id: RecordId,
    /// Why the record was not processed. It may quote the record.
    pub reason: String,
    /// Size of the record's data, in bytes.
    pub bytes: u64,
    /// Partition key under which the record was published.
    pub partition_key: String,
    /// Approximate arrival time at the source.
    pub arrived_at: Timestamp,
    /// Time at which the record was quarantined.
    pub quarantined_at: Timestamp,
}

/// The quarantined records.
#[derive(Debug, Clone)]
pub struct QuarantineRecords {
    client: Client,
    table: String,
}

impl QuarantineRecords {
    /// Opens the table of this name. `client` must have timeouts configured.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Returns the newest `records_max` complete records, newest first. Skips items that are not records; only a
    /// foreign write can create those.
    pub async fn list(&self, records_max: usize) -> Result<Vec<RecordSummary>, QuarantineError> {
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .filter_expression("part = :first")
            .expression_attribute_values(":first", N("0".to_owned()))
            .projection_expression(KNOWN)
            .set_expression_attribute_names(Some(known_names()))
            .into_paginator()
            .send();
        let mut records = Vec::new();
        while let Some(page) = pages.try_next().await.map_err(|error| self.failed("list", error))? {
            for item in page.items.unwrap_or_default() {
                records.extend(summary(&item).ok());
            }
            records.sort_by(|a: &RecordSummary, b| (b.quarantined_at, &b.id).cmp(&(a.quarantined_at, &a.id)));
            records.truncate(records_max);
        }
        Ok(records)
    }

    /// Returns the metadata of a record, or `None` if it does not exist or is incomplete. Reads at most one part.
    pub async fn find(&self, id: &RecordId) -> Result<Option<RecordSummary>, QuarantineError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let get = get.key("record", S(id.to_string())).key("part", N("0".to_owned()));
        let get = get.projection_expression(KNOWN).set_expression_attribute_names(Some(known_names()));
        let output = get.send().await.map_err(|error| self.failed("read", error))?;
        output.item.map(|item| summary(&item).map_err(|error| self.failed("decode", error))).transpose()
    }

    /// Returns the record with all its data, or `None` if it does not exist or is incomplete.
    pub async fn load(&self, id: &RecordId) -> Result<Option<QuarantinedRecord>, QuarantineError> {
        let parts = self.parts(id).await?;
        let Some(first) = parts.first().filter(|first| first.contains_key("parts")) else { return Ok(None) };
        let failed = |error| self.failed("decode", error);
        let known = summary(first).map_err(failed)?;
        let mut data = Vec::new();
        for part in &parts {
            let bytes = part.get("data").and_then(|data| data.as_b().ok());
            data.extend_from_slice(bytes.ok_or_else(|| failed(missing("data")))?.as_ref());
        }
        if u64::try_from(data.len()) != Ok(known.bytes) {
            let text = format!("record {id} should have {} bytes but has {}", known.bytes, data.len());
            return Err(self.failed("join", text));
        }
        Ok(Some(QuarantinedRecord {
            id: known.id,
            data,
            reason: Reason::new(&known.reason),
            partition_key: known.partition_key,
            arrived_at: known.arrived_at,
            quarantined_at: known.quarantined_at,
        }))
    }

    /// Deletes a record. Returns true if it existed.
    ///
    /// Part 0, without which a record is incomplete, is deleted first. If this fails half-way, the record is no longer
    /// listed, and its remaining parts expire.
    pub async fn drop(&self, id: &RecordId) -> Result<bool, QuarantineError> {
        let parts = self.parts(id).await?;
        for part in &parts {
            let delete = self.client.delete_item().table_name(&self.table).key("record", S(id.to_string()));
            let number = part.get("part").cloned().ok_or_else(|| self.failed("decode", missing("part")))?;
            delete.key("part", number).send().await.map_err(|error| self.failed("drop", error))?;
        }
        Ok(!parts.is_empty())
    }

    /// Returns all parts, sorted by number.
    async fn parts(&self, id: &RecordId) -> Result<Vec<Attributes>, QuarantineError> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let query = query.key_condition_expression("#record = :record").expression_attribute_names("#record", "record");
        let mut items = query.expression_attribute_values(":record", S(id.to_string())).into_paginator().items().send();
        let mut parts = Vec::new();
        while let Some(part) = items.try_next().await.map_err(|error| self.failed("read", error))? {
            parts.push(part);
        }
        Ok(parts)
    }

    fn failed(&self, what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> QuarantineError {
        QuarantineError { context: format!("could not {what} records in table {}", self.table), source: source.into() }
    }
}

/// Returns the names behind the placeholders of [`KNOWN`].
fn known_names() -> HashMap<String, String> {
    KNOWN.split(", ").map(|name| (name.to_owned(), name.trim_start_matches('#').to_owned())).collect()
}

fn summary(item: &Attributes) -> Result<RecordSummary, String> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().ok_or_else(|| missing(name));
    let time = |name: &str| text(name)?.parse::<Timestamp>().map_err(|error| format!("{name} {error}"));
    let bytes = item.get("bytes").and_then(|bytes| bytes.as_n().ok()).and_then(|bytes| bytes.parse().ok());
    Ok(RecordSummary {
        id: text("record")?.parse().map_err(|error| format!("record {error}"))?,
        reason: text("reason")?,
        bytes: bytes.ok_or_else(|| missing("bytes"))?,
        partition_key: text("partition_key")?,
        arrived_at: time("arrived_at")?,
        quarantined_at: time("quarantined_at")?,
    })
}

fn missing(name: &str) -> String {
    format!("{name} is missing or has the wrong type")
}
