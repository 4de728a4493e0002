//! What Lambda invokes a function with that reads a Kinesis stream.
//!
//! Only what a consumer uses is read, so that nothing else can make a batch unreadable. In particular
//! `aws_lambda_events` 1.2 reads an arrival time of `1700000001.5` as five milliseconds past the second, and refuses a whole
//! batch over a fourth decimal. Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>.

use std::fmt;

use data_encoding::BASE64;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::{Aggregated, Record, is_aggregated};

/// A batch of one shard's records, in order.
#[derive(Debug, Clone, Deserialize)]
pub struct KinesisEvent {
    /// The records.
    #[serde(rename = "Records")]
    pub records: Vec<KinesisRecord>,
}

/// One record, and where it came in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Envelope")]
pub struct KinesisRecord {
    /// The shard it came in, as the event's id tells; empty where that tells none.
    pub shard_id: String,
    /// Its place in the shard: a decimal number of more digits than any integer type holds. Empty where there is none,
    /// which then costs no other record anything.
    pub sequence_number: String,
    /// What it was put under.
    pub partition_key: String,
    /// Its bytes, whatever they are; see [`user_data`](Self::user_data).
    pub data: Vec<u8>,
    /// When the stream took it in, in milliseconds since 1970, if that can be told.
    pub arrived_at_unix_ms: Option<i64>,
}

impl KinesisRecord {
    /// The bytes that a producer put, unless it put several records as one.
    pub fn user_data(&self) -> Result<&[u8], Aggregated> {
        if is_aggregated(&self.data) { Err(Aggregated) } else { Ok(&self.data) }
    }

    /// This, to be handled in order with all that was put under the same partition key.
    pub fn into_record(self) -> Record<String, Self> {
        Record { key: self.partition_key.clone(), sequence_number: self.sequence_number.clone(), payload: self }
    }
}

#[derive(Deserialize)]
struct Envelope {
    /// `<shard id>:<sequence number>`.
    #[serde(rename = "eventID", default)]
    event_id: String,
    kinesis: Kinesis,
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
    /// Seconds since 1970, with the milliseconds as a fraction.
    #[serde(default)]
    approximate_arrival_timestamp: Option<f64>,
}

impl From<Envelope> for KinesisRecord {
    fn from(Envelope { event_id, kinesis }: Envelope) -> Self {
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

fn unix_ms(seconds: f64) -> Option<i64> {
    // The end of the year 9999: what is beyond is no time of arrival.
    const SECONDS_MAX: f64 = 253_402_300_799.0;
    // Far from the limits of the type by now.
    #[allow(clippy::cast_possible_truncation)]
    (0.0..=SECONDS_MAX).contains(&seconds).then(|| (seconds * 1_000.0).round() as i64)
}

/// Decodes base64 straight from the text of the event, without a copy in between.
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
    fn an_event_is_read_as_the_documentation_shows_it() {
        let event: KinesisEvent = serde_json::from_str(include_str!("../tests/events/kinesis.json")).unwrap();
        let [first, second] = event.records.as_slice() else { panic!("two records: {event:?}") };
        assert_eq!(first.shard_id, "shardId-000000000006");
        assert_eq!(first.sequence_number, "49590338271490256608559692538361571095921575989136588898");
        assert_eq!((first.partition_key.as_str(), first.data.as_slice()), ("1", b"Hello, this is a test.".as_slice()));
        assert_eq!(first.user_data(), Ok(b"Hello, this is a test.".as_slice()));
        assert_eq!(first.arrived_at_unix_ms, Some(1_545_084_650_987));
        assert_eq!(second.arrived_at_unix_ms, Some(1_545_084_711_166));
        let record = first.clone().into_record();
        assert_eq!((&record.key, &record.sequence_number), (&first.partition_key, &first.sequence_number));
    }

    #[test]
    fn what_is_missing_costs_only_what_it_would_have_told() {
        let record = read(r#"{"data":"AA=="}"#);
        assert_eq!((record.sequence_number.as_str(), record.data.as_slice()), ("", [0].as_slice()));
        let bare: KinesisRecord = serde_json::from_str(r#"{"kinesis":{"data":""}}"#).unwrap();
        assert_eq!(bare.shard_id, "");
    }

    #[test]
    fn what_is_no_base64_is_refused() {
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
    fn an_arrival_time_that_makes_no_sense_costs_nothing_else() {
        for nonsense in ["null", "-1", "1e300"] {
            assert_eq!(arrived_at(nonsense), None, "{nonsense}");
        }
    }
}
