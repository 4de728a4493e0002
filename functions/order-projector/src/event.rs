//! What Lambda invokes the function with.
//!
//! These are our own types because `aws_lambda_events` 1.2 reads `1700000001.5` as five milliseconds past the second, and
//! refuses a whole batch over a fourth decimal. Only what is used is read, so nothing else can get in the way.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>.

use data_encoding::BASE64;
use payment_events::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A batch of one shard's records, in order.
#[derive(Debug, Deserialize)]
pub struct KinesisBatch {
    #[serde(rename = "Records")]
    pub(crate) records: Vec<KinesisRecord>,
}

/// One record, and where it came in.
#[derive(Debug, Deserialize)]
pub(crate) struct KinesisRecord {
    /// `<shard id>:<sequence number>`.
    #[serde(rename = "eventID", default)]
    pub(crate) event_id: String,
    pub(crate) kinesis: Kinesis,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kinesis {
    pub(crate) sequence_number: String,
    #[serde(default)]
    pub(crate) partition_key: String,
    #[serde(deserialize_with = "bytes")]
    pub(crate) data: Vec<u8>,
    /// Seconds since 1970, with the milliseconds as a fraction.
    #[serde(default)]
    approximate_arrival_timestamp: Option<f64>,
}

impl Kinesis {
    /// When the stream took the record in, if that can be told.
    pub(crate) fn arrived_at(&self) -> Option<Timestamp> {
        let seconds = self.approximate_arrival_timestamp?;
        // What is out of range becomes a number that is no timestamp.
        #[allow(clippy::cast_possible_truncation)]
        let unix_ms = (seconds * 1_000.0).round() as i64;
        Timestamp::from_unix_ms(unix_ms).ok()
    }
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    BASE64.decode(text.as_bytes()).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived_at(text: &str) -> Option<i64> {
        let json = format!(r#"{{"sequenceNumber":"1","data":"","approximateArrivalTimestamp":{text}}}"#);
        serde_json::from_str::<Kinesis>(&json).unwrap().arrived_at().map(Timestamp::unix_ms)
    }

    #[test]
    fn arrival_times_are_exact_to_the_millisecond() {
        assert_eq!(arrived_at("1545084650.987"), Some(1_545_084_650_987));
        assert_eq!(arrived_at("1700000001.5"), Some(1_700_000_001_500));
        assert_eq!(arrived_at("1700000001.05"), Some(1_700_000_001_050));
        assert_eq!(arrived_at("1700000001.1234"), Some(1_700_000_001_123));
        assert_eq!(arrived_at("1700000001"), Some(1_700_000_001_000));
    }

    #[test]
    fn an_arrival_time_that_makes_no_sense_costs_nothing_else() {
        assert_eq!(arrived_at("null"), None);
        assert_eq!(arrived_at("-1"), None);
        assert_eq!(arrived_at("1e300"), None);
    }
}
