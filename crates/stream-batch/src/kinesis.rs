//! Lambda event of a Kinesis stream.
//!
//! Deserializes only the fields that a consumer uses, so that no other field can make a batch undecodable. In contrast,
//! `aws_lambda_events` 1.2 reads an arrival time of `1700000001.5` as five milliseconds past the second, and rejects a
//! whole batch over a fourth decimal. Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>.

use std::fmt;

use data_encoding::BASE64;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::hub::unknown;
use crate::{Aggregated, Record, is_aggregated};

/// Batch of one shard's records, in order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct KinesisEvent {
    /// Records, in shard order.
    #[serde(rename = "Records")]
    pub records: Vec<KinesisRecord>,
}

/// One stream record.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Envelope")]
pub struct KinesisRecord {
    /// Shard id, parsed from the event id; empty if that has none.
    pub shard_id: String,
    /// Sequence number in the shard: a decimal number too large for any integer type. Empty if missing, so that the
    /// other records stay decodable.
    pub sequence_number: String,
    /// Partition key chosen by the producer.
    pub partition_key: String,
    /// Raw data, possibly aggregated; see [`user_data`](Self::user_data).
    pub data: Vec<u8>,
    /// Approximate arrival time at the stream, in milliseconds since the Unix epoch; `None` if missing or out of range.
    pub arrived_at_unix_ms: Option<i64>,
}

impl KinesisRecord {
    /// Returns the data as the producer put it, or an error if the record is aggregated.
    pub fn user_data(&self) -> Result<&[u8], Aggregated> {
        if is_aggregated(&self.data) { Err(Aggregated) } else { Ok(&self.data) }
    }

    /// Converts to a [`Record`] whose lane is the partition key.
    pub fn into_record(self) -> Record<String, Self> {
        Record { key: self.partition_key.clone(), identifier: self.sequence_number.clone(), payload: self }
    }
}

#[derive(Deserialize)]
struct Envelope {
    /// `<shard id>:<sequence number>`.
    #[serde(rename = "eventID", default)]
    event_id: String,
    kinesis: Kinesis,
    #[serde(rename = "eventSource", default)]
    _event_source: KinesisSource,
}

/// The event source `aws:kinesis`. Another source is an error, which names it: events of SQS and DynamoDB streams have
/// `Records` as well.
#[derive(Default)]
struct KinesisSource;

impl<'de> Deserialize<'de> for KinesisSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Source;

        impl Visitor<'_> for Source {
            type Value = KinesisSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event source")
            }

            fn visit_str<E: Error>(self, source: &str) -> Result<KinesisSource, E> {
                if source == "aws:kinesis" { Ok(KinesisSource) } else { Err(unknown(source)) }
            }
        }

        deserializer.deserialize_str(Source)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis {
    #[serde(default)]
    sequence_number: String,
    #[serde(default)]
    partition_key: String,
    #[serde(deserialize_with = "bytes")]
    data: Vec<u8>,
    /// Seconds since the Unix epoch, with milliseconds as a fraction.
    #[serde(default)]
    approximate_arrival_timestamp: Option<f64>,
}

impl From<Envelope> for KinesisRecord {
    fn from(Envelope { event_id, kinesis, .. }: Envelope) -> Self {
        let shard_id = event_id.split_once(':').map_or_else(String::new, |(shard_id, _)| shard_id.to_owned());
        Self {
            shard_id,
            sequence_number: kinesis.sequence_number,
            partition_key: kinesis.partition_key,
            data: kinesis.data,
            arrived_at_unix_ms: kinesis.approximate_arrival_timestamp.and_then(unix_ms),
        }
    }
}

/// Converts a time of an event to milliseconds since the Unix epoch; `None` if out of range.
pub(crate) fn unix_ms(seconds: f64) -> Option<i64> {
    // End of the year 9999. A later arrival time is invalid.
    const SECONDS_MAX: f64 = 253_402_300_799.0;
    // The range check keeps the value far from the limits of `i64`.
    #[allow(clippy::cast_possible_truncation)]
    (0.0..=SECONDS_MAX).contains(&seconds).then(|| (seconds * 1_000.0).round() as i64)
}

/// Decodes base64 directly from the JSON text, without an intermediate copy.
fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    struct Base64;

    impl Visitor<'_> for Base64 {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("base64")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
            BASE64.decode(text.as_bytes()).map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kinesis: &str) -> KinesisRecord {
        serde_json::from_str(&format!(r#"{{"eventID":"shardId-000000000006:1","kinesis":{kinesis}}}"#)).unwrap()
    }

    fn arrived_at(text: &str) -> Option<i64> {
        read(&format!(r#"{{"sequenceNumber":"1","data":"","approximateArrivalTimestamp":{text}}}"#)).arrived_at_unix_ms
    }

    #[test]
    fn the_documented_event_is_decoded() {
        let event: KinesisEvent = serde_json::from_str(include_str!("../tests/events/kinesis.json")).unwrap();
        let [first, second] = event.records.as_slice() else { panic!("two records: {event:?}") };
        assert_eq!(first.shard_id, "shardId-000000000006");
        assert_eq!(first.sequence_number, "49590338271490256608559692538361571095921575989136588898");
        assert_eq!((first.partition_key.as_str(), first.data.as_slice()), ("1", b"Hello, this is a test.".as_slice()));
        assert_eq!(first.user_data(), Ok(b"Hello, this is a test.".as_slice()));
        assert_eq!(first.arrived_at_unix_ms, Some(1_545_084_650_987));
        assert_eq!(second.arrived_at_unix_ms, Some(1_545_084_711_166));
        let record = first.clone().into_record();
        assert_eq!((&record.key, &record.identifier), (&first.partition_key, &first.sequence_number));
    }

    #[test]
    fn missing_fields_are_empty() {
        let record = read(r#"{"data":"AA=="}"#);
        assert_eq!((record.sequence_number.as_str(), record.data.as_slice()), ("", [0].as_slice()));
        let bare: KinesisRecord = serde_json::from_str(r#"{"kinesis":{"data":""}}"#).unwrap();
        assert_eq!(bare.shard_id, "");
    }

    #[test]
    fn data_that_is_not_base64_is_rejected() {
        assert!(serde_json::from_str::<KinesisRecord>(r#"{"kinesis":{"data":"?"}}"#).is_err());
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
    fn an_invalid_arrival_time_is_none() {
        for invalid in ["null", "-1", "1e300"] {
            assert_eq!(arrived_at(invalid), None, "{invalid}");
        }
    }
}
