//! Common reader interface of Kinesis and table streams, with conversion of records to Lambda events.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use ferrokinesis::actions::Operation;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::batch::StreamRecord;
use crate::emulators::{DynamoDb, EmulatorError, Kinesis, ShardInfo};
use crate::template::StartingPosition;
use crate::{ACCOUNT_ID, REGION};

/// Poll interval for table writes by other clients. Writes by functions are noticed when an invocation ends.
const TABLE_POLL: Duration = Duration::from_millis(250);
/// Limits of one `GetRecords` call: for Kinesis, and for a table stream.
const KINESIS_RECORDS_MAX: usize = 10_000;
const TABLE_RECORDS_MAX: usize = 1_000;

/// Stream that a mapping reads.
#[derive(Clone)]
pub(super) enum Source {
    Kinesis { kinesis: Kinesis, name: String, arn: String, function_name: String },
    Table { dynamodb: DynamoDb, arn: String, activity: watch::Receiver<u64> },
}

/// Position to start reading at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Position {
    Start(StartingPosition),
    After(String),
}

/// Result of one read.
pub(super) struct Page {
    pub(super) records: Vec<StreamRecord>,
    /// Iterator after the last record.
    pub(super) next: Option<String>,
}

impl Source {
    pub(super) fn arn(&self) -> &str {
        match self {
            Self::Kinesis { arn, .. } | Self::Table { arn, .. } => arn,
        }
    }

    pub(super) async fn shards(&self) -> Result<Vec<ShardInfo>, EmulatorError> {
        match self {
            Self::Kinesis { kinesis, name, .. } => kinesis.shards(name).await,
            Self::Table { dynamodb, arn, .. } => {
                let shards = dynamodb.shards(arn)?.into_iter();
                Ok(shards.map(|id| ShardInfo { id, parents: Vec::new(), is_closed: false }).collect())
            }
        }
    }

    pub(super) async fn iterator(&self, shard: &str, position: &Position) -> Result<String, EmulatorError> {
        let kind = match position {
            // If all records are older than the timestamp, the emulator would begin at the oldest one. So read them all
            // and skip those before the timestamp.
            Position::Start(StartingPosition::TrimHorizon | StartingPosition::AtTimestamp(_)) => "TRIM_HORIZON",
            Position::Start(StartingPosition::Latest) => "LATEST",
            Position::After(_) => "AFTER_SEQUENCE_NUMBER",
        };
        let mut request = json!({"ShardId": shard, "ShardIteratorType": kind});
        match self {
            Self::Kinesis { kinesis, name, .. } => {
                request["StreamName"] = name.as_str().into();
                if let Position::After(number) = position {
                    request["StartingSequenceNumber"] = number.as_str().into();
                }
                let answer = kinesis.call(Operation::GetShardIterator, request).await?;
                Ok(answer["ShardIterator"].as_str().unwrap_or_default().to_owned())
            }
            Self::Table { dynamodb, arn, .. } => {
                request["StreamArn"] = arn.as_str().into();
                if let Position::After(number) = position {
                    request["SequenceNumber"] = number.as_str().into();
                }
                dynamodb.shard_iterator(request)
            }
        }
    }

    pub(super) async fn read(&self, shard: &str, iterator: &str, limit: usize) -> Result<Page, EmulatorError> {
        let mut answer = match self {
            Self::Kinesis { kinesis, .. } => {
                let request = json!({"ShardIterator": iterator, "Limit": limit.min(KINESIS_RECORDS_MAX)});
                kinesis.call(Operation::GetRecords, request).await?
            }
            Self::Table { dynamodb, .. } => dynamodb.records(iterator, limit.min(TABLE_RECORDS_MAX))?,
        };
        let next = answer["NextShardIterator"].as_str().map(str::to_owned);
        let records = match answer["Records"].take() {
            Value::Array(records) => records,
            _ => Vec::new(),
        };
        Ok(Page { records: records.into_iter().map(|record| self.record(shard, record)).collect(), next })
    }

    fn record(&self, shard: &str, mut record: Value) -> StreamRecord {
        match self {
            Self::Kinesis { arn, function_name, .. } => kinesis_record(shard, arn, function_name, &mut record),
            Self::Table { arn, .. } => {
                record["eventSourceARN"] = arn.as_str().into();
                let stream_record = &record["dynamodb"];
                StreamRecord {
                    shard: shard.into(),
                    sequence_number: text(&stream_record["SequenceNumber"]),
                    arrived_at: stream_record["ApproximateCreationDateTime"].as_f64().unwrap_or_default(),
                    key_hash: hash_of(&stream_record["Keys"].to_string()),
                    event: record.to_string(),
                }
            }
        }
    }

    /// Returns a signal for new records and changed shards.
    pub(super) fn wake(&self) -> Wake {
        match self {
            Self::Kinesis { kinesis, .. } => {
                Wake { writes: kinesis.writes(), reshards: Some(kinesis.reshards()), resharded: false, poll: None }
            }
            Self::Table { activity, .. } => {
                Wake { writes: activity.clone(), reshards: None, resharded: false, poll: Some(TABLE_POLL) }
            }
        }
    }
}

fn kinesis_record(shard: &str, arn: &str, function_name: &str, record: &mut Value) -> StreamRecord {
    let sequence_number = text(&record["SequenceNumber"]);
    let arrived_at = record["ApproximateArrivalTimestamp"].as_f64().unwrap_or_default();
    let key_hash = hash_of(record["PartitionKey"].as_str().unwrap_or_default());
    let event = json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"].take(),
            "sequenceNumber": sequence_number,
            "data": record["Data"].take(),
            "approximateArrivalTimestamp": arrived_at,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("{shard}:{sequence_number}"),
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": format!("arn:aws:iam::{ACCOUNT_ID}:role/{function_name}"),
        "awsRegion": REGION,
        "eventSourceARN": arn,
    });
    StreamRecord { shard: shard.into(), sequence_number, arrived_at, key_hash, event: event.to_string() }
}

/// Stable hash, the same in every run.
fn hash_of(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Signal that there may be more to read. Changes between [`Wake::mark`] and [`Wake::wait`] are not missed.
pub(super) struct Wake {
    writes: watch::Receiver<u64>,
    reshards: Option<watch::Receiver<u64>>,
    /// A change of shards that [`Wake::wait`] saw and [`Wake::has_resharded`] has not returned yet.
    resharded: bool,
    poll: Option<Duration>,
}

impl Wake {
    /// Must be called before each read.
    pub(super) fn mark(&mut self) {
        self.writes.mark_unchanged();
    }

    /// True if shards have changed since the last call.
    pub(super) fn has_resharded(&mut self) -> bool {
        if let Some(reshards) = &mut self.reshards {
            self.resharded |= reshards.has_changed().unwrap_or(false);
            reshards.mark_unchanged();
        }
        std::mem::take(&mut self.resharded)
    }

    pub(super) async fn wait(&mut self) {
        let resharded = async {
            match &mut self.reshards {
                // No error: the emulator outlives its readers.
                Some(reshards) => drop(reshards.changed().await),
                None => std::future::pending().await,
            }
        };
        let polled = async {
            match self.poll {
                Some(interval) => tokio::time::sleep(interval).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.writes.changed() => {}
            () = resharded => self.resharded = true,
            () = polled => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kinesis_record_has_the_form_of_a_lambda_event() {
        let mut read = json!({"SequenceNumber": "7", "PartitionKey": "ord-1", "Data": "e30=", "ApproximateArrivalTimestamp": 1_700_000_000});
        let record = kinesis_record("shardId-000000000000", "arn:s", "OrderProjector", &mut read);
        let event: Value = serde_json::from_str(&record.event).unwrap();
        let expected = json!({
            "eventID": "shardId-000000000000:7", "eventName": "aws:kinesis:record", "eventSource": "aws:kinesis",
            "eventSourceARN": "arn:s", "eventVersion": "1.0", "awsRegion": "us-east-1",
            "invokeIdentityArn": "arn:aws:iam::000000000000:role/OrderProjector",
            "kinesis": {"kinesisSchemaVersion": "1.0", "partitionKey": "ord-1", "sequenceNumber": "7", "data": "e30=",
                        "approximateArrivalTimestamp": 1_700_000_000.0},
        });
        assert_eq!(event, expected);
    }
}
