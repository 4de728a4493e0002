//! What is in quarantine: seeing it, taking it out whole, and dropping it. No function does this.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use orders::{QuarantinedRecord, Reason, StoreError};
use payment_events::Timestamp;

type Attributes = HashMap<String, AttributeValue>;

/// The attributes of a part 0 apart from its bytes.
const KNOWN: &str =
    "#record, #bytes, #reason, #shard_id, #sequence_number, #partition_key, #arrived_at, #quarantined_at";

/// What a record is called in quarantine: `<shard>#<sequence number>`, its place in the stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(String);

/// The text names no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be <shard id>#<sequence number>, as `quarantine list` shows it")]
pub struct InvalidRecordId;

impl FromStr for RecordId {
    type Err = InvalidRecordId;

    fn from_str(text: &str) -> Result<Self, InvalidRecordId> {
        match text.split_once('#') {
            Some((shard, number)) if !shard.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidRecordId),
        }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is known of a record, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSummary {
    /// What it is called.
    pub id: RecordId,
    /// Why it cannot be read. It may quote the record.
    pub reason: String,
    /// How long it is.
    pub bytes: u64,
    /// The shard it came in.
    pub shard_id: String,
    /// Its place in the shard.
    pub sequence_number: String,
    /// What it was put under.
    pub partition_key: String,
    /// When the stream took it in.
    pub arrived_at: Timestamp,
    /// When it was set aside.
    pub quarantined_at: Timestamp,
}

/// The records in quarantine.
#[derive(Debug, Clone)]
pub struct QuarantineRecords {
    client: Client,
    table: String,
}

impl QuarantineRecords {
    /// In the table of this name. Every call of `client` must have a timeout.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// All records that are there whole, newest first; at most `records_max` of them are held at once, the newest ones.
    /// An item that is no record, which only somebody else can have written, is passed over.
    pub async fn list(&self, records_max: usize) -> Result<Vec<RecordSummary>, StoreError> {
        let names = KNOWN.split(", ").map(|name| (name.to_owned(), name[1..].to_owned()));
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .filter_expression("part = :first")
            .expression_attribute_values(":first", N("0".to_owned()))
            .projection_expression(KNOWN)
            .set_expression_attribute_names(Some(names.collect()))
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

    /// The record, all of its bytes; nothing where there is none of this name, or not all of it yet.
    pub async fn load(&self, id: &RecordId) -> Result<Option<QuarantinedRecord>, StoreError> {
        let parts = self.parts(id).await?;
        let Some(first) = parts.first().filter(|first| first.contains_key("parts")) else { return Ok(None) };
        let failed = |error| self.failed("understand", error);
        let known = summary(first).map_err(failed)?;
        let mut data = Vec::new();
        for part in &parts {
            let bytes = part.get("data").and_then(|data| data.as_b().ok());
            data.extend_from_slice(bytes.ok_or_else(|| failed(missing("data")))?.as_ref());
        }
        if u64::try_from(data.len()) != Ok(known.bytes) {
            let text = format!("record {id} should have {} bytes and has {}", known.bytes, data.len());
            return Err(self.failed("join", text));
        }
        Ok(Some(QuarantinedRecord {
            data,
            reason: Reason::new(&known.reason),
            shard_id: known.shard_id,
            sequence_number: known.sequence_number,
            partition_key: known.partition_key,
            arrived_at: known.arrived_at,
            quarantined_at: known.quarantined_at,
        }))
    }

    /// Drops a record, and tells whether there was any.
    ///
    /// The part that makes it whole goes first. So where this ends half-way the record is gone all the same, and what is
    /// left of it expires.
    pub async fn drop(&self, id: &RecordId) -> Result<bool, StoreError> {
        let parts = self.parts(id).await?;
        for part in &parts {
            let delete = self.client.delete_item().table_name(&self.table).key("record", S(id.to_string()));
            let number = part.get("part").cloned().ok_or_else(|| self.failed("understand", missing("part")))?;
            delete.key("part", number).send().await.map_err(|error| self.failed("drop", error))?;
        }
        Ok(!parts.is_empty())
    }

    /// All parts, in order.
    async fn parts(&self, id: &RecordId) -> Result<Vec<Attributes>, StoreError> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let query = query.key_condition_expression("#record = :record").expression_attribute_names("#record", "record");
        let mut items = query.expression_attribute_values(":record", S(id.to_string())).into_paginator().items().send();
        let mut parts = Vec::new();
        while let Some(part) = items.try_next().await.map_err(|error| self.failed("read", error))? {
            parts.push(part);
        }
        Ok(parts)
    }

    fn failed(&self, what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError { context: format!("could not {what} records in table {}", self.table), source: source.into() }
    }
}

fn summary(item: &Attributes) -> Result<RecordSummary, String> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().ok_or_else(|| missing(name));
    let time = |name: &str| text(name)?.parse::<Timestamp>().map_err(|error| format!("{name} {error}"));
    let bytes = item.get("bytes").and_then(|bytes| bytes.as_n().ok()).and_then(|bytes| bytes.parse().ok());
    Ok(RecordSummary {
        id: RecordId(text("record")?),
        reason: text("reason")?,
        bytes: bytes.ok_or_else(|| missing("bytes"))?,
        shard_id: text("shard_id")?,
        sequence_number: text("sequence_number")?,
        partition_key: text("partition_key")?,
        arrived_at: time("arrived_at")?,
        quarantined_at: time("quarantined_at")?,
    })
}

fn missing(name: &str) -> String {
    format!("{name} is missing or of another type")
}
