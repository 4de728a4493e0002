//! The invocation record of a discarded batch, as Lambda writes it to an on-failure destination in S3.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use uuid::Uuid;

use super::batch::StreamRecord;
use crate::lambda::InvokeError;

/// Time format with milliseconds, as in AWS's example.
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Reason why records are discarded, by Lambda's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DiscardCondition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
    MaximumPayloadSizeExceeded,
}

impl DiscardCondition {
    fn as_str(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
            Self::MaximumPayloadSizeExceeded => "MaximumPayloadSizeExceeded",
        }
    }
}

/// Discarded records, with the reason and the last error.
pub(super) struct DiscardedRecords<'a> {
    pub(super) records: &'a [&'a StreamRecord],
    pub(super) condition: DiscardCondition,
    pub(super) invocations: u32,
    pub(super) error: Option<InvokeError>,
    pub(super) function_arn: &'a str,
}

impl DiscardedRecords<'_> {
    /// Returns a summary for the log.
    pub(super) fn summary(&self) -> String {
        let (count, condition) = (self.records.len(), self.condition.as_str());
        let mut shards: Vec<&str> = self.records.iter().map(|record| &*record.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        format!("{count} records of {} after {} invocations: {condition}", shards.join(", "), self.invocations)
    }

    /// Returns the invocation record. `batch_info` is the field that describes the batch, with its name.
    pub(super) fn invocation_record(&self, payload: &str, batch_info: (&'static str, Value)) -> Value {
        let mut record = json!({
            "requestContext": {
                "requestId": Uuid::new_v4().to_string(),
                "functionArn": self.function_arn,
                "condition": self.condition.as_str(),
                "approximateInvokeCount": self.invocations,
            },
            "responseContext": null,
            "version": "1.0",
            "timestamp": OffsetDateTime::now_utc().format(TIME).unwrap_or_default(),
            "payload": payload,
        });
        if let Some(error) = &self.error {
            let error_type = error.error_type().unwrap_or_default();
            record["responseContext"] = json!({
                "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled",
                "errorType": error_type, "errorMessage": error.to_string(),
            });
        } else if self.condition == DiscardCondition::RetryAttemptsExhausted {
            record["responseContext"] = json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": null});
        }
        let (name, info) = batch_info;
        record[name] = info;
        record
    }
}

/// Formats seconds since 1970.
pub(super) fn formatted(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds of any date fit in an i64, and fractions are dropped"
    )]
    let nanoseconds = i128::from((seconds * 1000.0) as i64) * 1_000_000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(TIME).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_record_has_the_condition_the_records_and_the_payload() {
        let discarded = DiscardedRecords {
            records: &[],
            condition: DiscardCondition::RetryAttemptsExhausted,
            invocations: 3,
            error: Some(InvokeError::Function { error_type: "Boom".to_owned(), message: "no".to_owned() }),
            function_arn: "arn:f",
        };
        let info = ("KinesisBatchInfo", json!({"startSequenceNumber": "41"}));
        let record = discarded.invocation_record("{\"Records\":[]}", info);
        assert_eq!(record["requestContext"]["condition"], "RetryAttemptsExhausted");
        assert_eq!(record["requestContext"]["approximateInvokeCount"], 3);
        assert_eq!(record["responseContext"]["functionError"], "Unhandled");
        assert_eq!(record["KinesisBatchInfo"]["startSequenceNumber"], "41");
        assert_eq!(formatted(1_700_000_000.5), "2023-11-14T22:13:20.500Z");
        assert_eq!(record["payload"], "{\"Records\":[]}");
    }
}
