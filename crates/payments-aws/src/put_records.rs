//! `PutRecords` in as few calls as possible, with the records of each lane in order.
//!
//! `PutRecords` writes each record of a call separately. Some may fail while later ones succeed, and their order is not
//! guaranteed. Therefore a call carries at most one record per lane, and the next record of a lane follows only when the
//! previous one is on the stream. A lane is a payment, which rarely has two versions in a batch, so this rarely costs an
//! additional call. It is not an order, whose partition key all its payments share: 500 payments of one order would cost
//! 500 calls.
//!
//! Source: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{BuildError, DisplayErrorContext};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};
use backon::{BackoffBuilder, ExponentialBuilder};
use payment_events::PaymentEvent;
use payments::PublishError;

/// Maximum number of records per call.
const RECORDS_MAX: usize = 500;
/// Maximum size of a call in bytes, including partition keys.
const BYTES_MAX: usize = 5 * 1024 * 1024;
/// Backoff before each retry of refused records: 100, 200, 400 and 800 ms, each plus 0 to 100 % jitter, so that
/// concurrent relays do not retry together. The limits of a shard apply per second.
const PAUSES: ExponentialBuilder =
    ExponentialBuilder::new().with_min_delay(Duration::from_millis(100)).with_max_times(4).with_jitter();

/// Position of a record on the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPosition {
    /// Shard that holds the record.
    pub shard_id: String,
    /// Sequence number of the record in its shard.
    pub sequence_number: String,
}

/// Position of a record, or why it is not on the stream.
pub(crate) type PutResult = Result<StreamPosition, PublishError>;

/// Puts all records on the stream. Returns one result per record, in the order of `records`.
///
/// Retries records that Kinesis refuses individually, as it does above a shard's throughput, after a backoff. Does not
/// retry a call that fails as a whole: the client has already retried it.
pub(crate) async fn put_all(client: &Client, stream: &str, records: &[StreamRecord<'_>]) -> Vec<PutResult> {
    let mut results: Vec<PutResult> = records.iter().map(|_| Err(PublishError::Failed("not sent".into()))).collect();
    let mut lanes = lanes(records);
    let mut pauses = PAUSES.build();
    while !lanes.is_empty() {
        for call in calls(&lanes) {
            put_firsts(client, stream, lanes.get_mut(call).unwrap_or_default(), &mut results).await;
        }
        if lanes.iter().any(|lane| lane.refused.is_some()) {
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => lanes.iter_mut().for_each(|lane| lane.fail_if_refused(&mut results)),
            }
        } else {
            // The pauses are those of one record of each lane, not of a whole lane.
            pauses = PAUSES.build();
        }
        lanes.retain(|lane| !lane.waiting.is_empty());
    }
    results
}

/// Makes one call with the first record of each lane.
async fn put_firsts(client: &Client, stream: &str, lanes: &mut [Lane<'_>], results: &mut [PutResult]) {
    let entries = lanes.iter().filter_map(Lane::first).map(StreamRecord::entry).collect::<Result<Vec<_>, _>>();
    let response = match entries {
        Ok(entries) => {
            let put = client.put_records().stream_name(stream).set_records(Some(entries));
            put.send().await.map_err(|error| DisplayErrorContext(error).to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    match response {
        Ok(response) if response.records.len() == lanes.len() => {
            for (lane, record) in lanes.iter_mut().zip(response.records) {
                lane.apply(record, results);
            }
        }
        Ok(_) => fail(lanes, "Kinesis did not return a result for every record", results),
        Err(error) => fail(lanes, &error, results),
    }
}

fn fail(lanes: &mut [Lane<'_>], error: &str, results: &mut [PutResult]) {
    for lane in lanes {
        lane.fail(error, results);
    }
}

/// Splits the lanes into ranges whose first records fit in one call.
fn calls(lanes: &[Lane<'_>]) -> Vec<Range<usize>> {
    let mut calls: Vec<Range<usize>> = Vec::new();
    let mut bytes: usize = 0;
    for (number, lane) in lanes.iter().enumerate() {
        let record_bytes = lane.first().map_or(0, StreamRecord::bytes);
        let end = number.saturating_add(1);
        bytes = bytes.saturating_add(record_bytes);
        match calls.last_mut() {
            Some(call) if call.len() < RECORDS_MAX && bytes <= BYTES_MAX => call.end = end,
            _ => {
                bytes = record_bytes;
                calls.push(number..end);
            }
        }
    }
    calls
}

/// A record to put on the stream.
#[derive(Debug)]
pub(crate) struct StreamRecord<'e> {
    /// Records of one lane stay in order.
    lane: &'e str,
    key: &'e str,
    data: Vec<u8>,
}

impl<'e> StreamRecord<'e> {
    pub(crate) fn of_event(event: &'e PaymentEvent) -> Self {
        Self { lane: event.payment().payment_id.as_str(), key: event.partition_key(), data: event.encode() }
    }

    /// The payment is unknown, so the lane is the partition key.
    pub(crate) fn of_bytes(key: &'e str, data: Vec<u8>) -> Self {
        Self { lane: key, key, data }
    }

    /// Returns the bytes that the record adds to a call.
    fn bytes(&self) -> usize {
        self.key.len().saturating_add(self.data.len())
    }

    fn entry(&self) -> Result<PutRecordsRequestEntry, BuildError> {
        PutRecordsRequestEntry::builder().partition_key(self.key).data(Blob::new(self.data.clone())).build()
    }
}

/// Queue of the records of one lane that are not on the stream yet, each with its index, in order.
#[derive(Debug, Default)]
struct Lane<'r> {
    waiting: VecDeque<(usize, &'r StreamRecord<'r>)>,
    /// Reason why Kinesis refused the first record on the last attempt.
    refused: Option<String>,
}

impl<'r> Lane<'r> {
    fn first(&self) -> Option<&'r StreamRecord<'r>> {
        self.waiting.front().map(|(_, record)| *record)
    }

    /// Applies the result of the first record.
    fn apply(&mut self, result: PutRecordsResultEntry, results: &mut [PutResult]) {
        self.refused =
            result.error_code.map(|code| format!("{code}: {}", result.error_message.as_deref().unwrap_or_default()));
        if self.refused.is_none()
            && let Some((place, _)) = self.waiting.pop_front()
        {
            let position = StreamPosition {
                shard_id: result.shard_id.unwrap_or_default(),
                sequence_number: result.sequence_number.unwrap_or_default(),
            };
            set(results, place, Ok(position));
        }
    }

    fn fail_if_refused(&mut self, results: &mut [PutResult]) {
        if let Some(error) = self.refused.take() {
            self.fail(&error, results);
        }
    }

    /// Fails all remaining records: the later ones must not overtake the first.
    fn fail(&mut self, error: &str, results: &mut [PutResult]) {
        for (place, _) in self.waiting.drain(..) {
            set(results, place, Err(PublishError::Failed(error.into())));
        }
    }
}

fn set(results: &mut [PutResult], place: usize, result: PutResult) {
    if let Some(slot) = results.get_mut(place) {
        *slot = result;
    }
}

/// Groups the records into lanes, in the order of their first records.
fn lanes<'r>(records: &'r [StreamRecord<'r>]) -> Vec<Lane<'r>> {
    let mut numbers = HashMap::new();
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for (place, record) in records.iter().enumerate() {
        let number = *numbers.entry(record.lane).or_insert(lanes.len());
        match lanes.get_mut(number) {
            Some(lane) => lane.waiting.push_back((place, record)),
            None => lanes.push(Lane { waiting: VecDeque::from([(place, record)]), refused: None }),
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, bytes: usize) -> StreamRecord<'_> {
        StreamRecord { lane: key, key, data: vec![b'x'; bytes - key.len()] }
    }

    #[test]
    fn a_call_holds_at_most_500_records_and_5_mib() {
        let keys: Vec<_> = (0..1_001).map(|n| n.to_string()).collect();
        let small: Vec<_> = keys.iter().map(|key| record(key, 10)).collect();
        assert_eq!(calls(&lanes(&small)), [0..500, 500..1_000, 1_000..1_001]);
        let mib = 1024 * 1024;
        let large: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(|key| record(key, mib)).into();
        assert_eq!(calls(&lanes(&large)), [0..5, 5..6]);
        let exceeding: Vec<_> = [record("a", 5 * mib), record("b", 1)].into();
        assert_eq!(calls(&lanes(&exceeding)), [0..1, 1..2]);
        assert!(calls(&[]).is_empty());
    }

    #[test]
    fn a_call_carries_at_most_one_record_of_a_lane() {
        let records = [record("a", 2), record("b", 2), record("a", 3)];
        let lanes = lanes(&records);
        assert_eq!(calls(&lanes).first(), Some(&(0..2)));
        assert_eq!(lanes[0].waiting.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 2]);
    }
}
