//! A failure record, as an event source mapping writes it to its on-failure destination.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use payment_events::PaymentId;
use quarantine::RecordId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kafka::{FailedPartition, KafkaBatchInfo};

/// Kind of stream that a batch came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BatchKind {
    /// The Kinesis payment stream.
    Kinesis,
    /// The DynamoDB change stream of the payments table.
    DynamoDb,
    /// The Kafka topic of payments.
    Kafka,
}

/// A batch that ran out of retries or grew too old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Id in its source: the object's key, or the file's path.
    pub id: String,
    /// Time at which Lambda wrote the record.
    pub at: String,
    /// Function that was invoked with the batch.
    pub function_arn: String,
    /// Reason for discarding it, such as `RetryAttemptsExhausted`.
    pub condition: String,
    /// Approximate number of invocations.
    pub invocations: u64,
    /// Error type of the function, if it reported one.
    pub error: Option<String>,
    /// Kind of the stream.
    pub kind: BatchKind,
    /// ARN of the stream or of the Kafka cluster; bootstrap servers of a cluster other than Amazon MSK.
    pub stream_arn: String,
    /// Shard of the stream; empty for Kafka.
    pub shard_id: String,
    /// Sequence number of the first record; empty for Kafka.
    pub first_sequence_number: String,
    /// Sequence number of the last record; empty for Kafka.
    pub last_sequence_number: String,
    /// Partitions of the topic that the batch has records of; empty for a stream.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<FailedPartition>,
    /// Number of records in the batch.
    pub records: u64,
    /// True if it contains the records themselves. Without them it cannot be redriven.
    pub has_payload: bool,
    /// JSON of the event that the function was invoked with.
    #[serde(skip)]
    pub(crate) payload: Option<String>,
}

/// A record of a Kinesis batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BatchRecord {
    /// Shard and sequence number of the record, as in quarantine.
    pub(crate) id: RecordId,
    pub(crate) partition_key: String,
    pub(crate) data: Vec<u8>,
}

/// An object that is not a failure record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{id}: {reason}")]
pub struct InvalidFailure {
    /// Id in its source.
    pub id: String,
    /// Reason it was rejected.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    request_context: RequestContext,
    #[serde(default)]
    response_context: Option<Value>,
    #[serde(default)]
    timestamp: String,
    #[serde(default, rename = "KinesisBatchInfo")]
    kinesis: Option<BatchInfo>,
    #[serde(default, rename = "DDBStreamBatchInfo")]
    dynamodb: Option<BatchInfo>,
    #[serde(default, rename = "KafkaBatchInfo")]
    kafka: Option<KafkaBatchInfo>,
    #[serde(default)]
    payload: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    #[serde(default)]
    function_arn: String,
    #[serde(default)]
    condition: String,
    #[serde(default)]
    approximate_invoke_count: u64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchInfo {
    #[serde(default)]
    shard_id: String,
    #[serde(default)]
    start_sequence_number: String,
    #[serde(default)]
    end_sequence_number: String,
    #[serde(default)]
    batch_size: u64,
    stream_arn: String,
}

impl Failure {
    /// Parses the record that Lambda writes.
    pub fn read(id: &str, value: Value) -> Result<Self, InvalidFailure> {
        let invalid = |reason: String| InvalidFailure { id: id.to_owned(), reason };
        let raw: Raw = serde_json::from_value(value).map_err(|error| invalid(error.to_string()))?;
        let (kind, batch, partitions) = match (raw.kinesis, raw.dynamodb, raw.kafka) {
            (Some(batch), None, None) => (BatchKind::Kinesis, batch, Vec::new()),
            (None, Some(batch), None) => (BatchKind::DynamoDb, batch, Vec::new()),
            (None, None, Some(batch)) => {
                let (stream_arn, batch_size) = (batch.source(), batch.batch_size);
                (BatchKind::Kafka, BatchInfo { batch_size, stream_arn, ..BatchInfo::default() }, batch.partitions())
            }
            _ => {
                let reason = "must have one of KinesisBatchInfo, DDBStreamBatchInfo and KafkaBatchInfo";
                return Err(invalid(reason.to_owned()));
            }
        };
        let error = raw.response_context.as_ref().and_then(|context| {
            let part = |name: &str| context.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            part("errorType").or_else(|| part("functionError")).map(str::to_owned)
        });
        // Lambda writes the event as a string; a tool in between may have turned it into an object.
        let payload = raw.payload.and_then(|payload| match payload {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        });
        Ok(Self {
            id: id.to_owned(),
            at: raw.timestamp,
            function_arn: raw.request_context.function_arn,
            condition: raw.request_context.condition,
            invocations: raw.request_context.approximate_invoke_count,
            error,
            kind,
            stream_arn: batch.stream_arn,
            shard_id: batch.shard_id,
            first_sequence_number: batch.start_sequence_number,
            last_sequence_number: batch.end_sequence_number,
            partitions,
            records: batch.batch_size,
            has_payload: payload.is_some(),
            payload,
        })
    }

    /// Returns the records of a Kinesis batch in order.
    pub(crate) fn kinesis_records(&self) -> Result<Vec<BatchRecord>, String> {
        let record = |record: &Value| {
            let kinesis = record.get("kinesis")?;
            let sequence_number = kinesis.get("sequenceNumber").and_then(Value::as_str).unwrap_or_default();
            Some(BatchRecord {
                id: RecordId::new(&self.shard_id, sequence_number),
                partition_key: kinesis.get("partitionKey")?.as_str()?.to_owned(),
                data: BASE64_STANDARD.decode(kinesis.get("data")?.as_str()?).ok()?,
            })
        };
        let records = self.payload_records()?;
        let records: Option<Vec<_>> = records.iter().map(record).collect();
        records.ok_or_else(|| "its payload has a record that is not a Kinesis record".to_owned())
    }

    /// Returns the payments in a batch of the change stream, each once, in order.
    pub(crate) fn changed_payments(&self) -> Result<Vec<PaymentId>, String> {
        let id = |record: &Value| {
            let change = record.get("dynamodb")?;
            let id = |place: &str| change.get(place)?.get("payment_id")?.get("S")?.as_str()?.parse().ok();
            id("Keys").or_else(|| id("NewImage"))
        };
        let records = self.payload_records()?;
        let mut ids: Vec<PaymentId> = Vec::new();
        for record in &records {
            let id = id(record).ok_or("its payload has a record without a payment id")?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    fn payload_records(&self) -> Result<Vec<Value>, String> {
        #[derive(Deserialize)]
        struct Event {
            #[serde(rename = "Records")]
            records: Vec<Value>,
        }
        Ok(self.event::<Event>()?.records)
    }

    /// Decodes the payload.
    pub(super) fn event<T: DeserializeOwned>(&self) -> Result<T, String> {
        let payload = self.payload.as_deref().ok_or("no payload: use `paystream reconcile --repair` instead")?;
        serde_json::from_str(payload).map_err(|error| format!("its payload is not an event: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kinesis(payload: &Value) -> Value {
        // The example in the AWS documentation.
        json!({
            "requestContext": {
                "requestId": "c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5",
                "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:myfunction",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 1
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": "2019-11-14T00:38:06.021Z",
            "KinesisBatchInfo": {
                "shardId": "shardId-000000000001",
                "startSequenceNumber": "49601189658422359378836298521827638475320189012309704722",
                "endSequenceNumber": "49601189658422359378836298522902373528957594348623495186",
                "approximateArrivalOfFirstRecord": "2019-11-14T00:38:04.835Z",
                "approximateArrivalOfLastRecord": "2019-11-14T00:38:05.580Z",
                "batchSize": 500,
                "streamArn": "arn:aws:kinesis:us-east-2:123456789012:stream/mystream"
            },
            "payload": payload
        })
    }

    #[test]
    fn a_record_that_lambda_writes_is_parsed() {
        let failure = Failure::read("key", kinesis(&json!("{\"Records\":[]}"))).unwrap();
        assert_eq!((failure.kind, failure.records, failure.invocations), (BatchKind::Kinesis, 500, 1));
        assert_eq!((failure.error.as_deref(), failure.has_payload), (Some("Unhandled"), true));
        assert_eq!(failure.kinesis_records(), Ok(vec![]));
    }

    #[test]
    fn a_record_without_a_payload_is_parsed_and_cannot_be_sent() {
        let failure = Failure::read("key", kinesis(&Value::Null)).unwrap();
        assert!(!failure.has_payload && failure.kinesis_records().unwrap_err().contains("no payload"));
    }

    #[test]
    fn kinesis_records_keep_their_keys_bytes_and_order() {
        let record = |number: &str, key: &str, data: &str| {
            json!({"kinesis":
            {"sequenceNumber": number, "partitionKey": key, "data": data}})
        };
        let event = json!({"Records": [record("1", "b", "/w=="), record("2", "a", ""), record("3", "b", "eHk=")]});
        let text = Failure::read("key", kinesis(&event.to_string().into())).unwrap().kinesis_records().unwrap();
        let expected = [("1", "b", &b"\xff"[..]), ("2", "a", b""), ("3", "b", b"xy")];
        let expected = expected.map(|(number, key, data)| BatchRecord {
            id: RecordId::new("shardId-000000000001", number),
            partition_key: key.to_owned(),
            data: data.to_vec(),
        });
        assert_eq!(text, expected);
        let object = Failure::read("key", kinesis(&event)).unwrap().kinesis_records().unwrap();
        assert_eq!(object, text);
        for bad in [json!({"Records": [{"kinesis": {"partitionKey": "a", "data": "?"}}]}), json!({"Records": [{}]})] {
            assert!(Failure::read("key", kinesis(&bad)).unwrap().kinesis_records().is_err());
        }
    }

    #[test]
    fn each_changed_payment_is_returned_once() {
        let change = |id: &str| json!({"dynamodb": {"Keys": {"payment_id": {"S": id}}}});
        let image = json!({"dynamodb": {"NewImage": {"payment_id": {"S": "pay_3"}}}});
        let event = json!({"Records": [change("pay_2"), change("pay_1"), change("pay_2"), image]});
        let ids = Failure::read("key", kinesis(&event)).unwrap().changed_payments().unwrap();
        assert_eq!(ids.iter().map(PaymentId::as_str).collect::<Vec<_>>(), ["pay_2", "pay_1", "pay_3"]);
    }

    #[test]
    fn an_object_that_is_not_a_failure_record_is_rejected_with_its_id() {
        let error = Failure::read("a/b", json!({"requestContext": {}})).unwrap_err().to_string();
        assert_eq!(error, "a/b: must have one of KinesisBatchInfo, DDBStreamBatchInfo and KafkaBatchInfo");
    }
}
