//! Records of a fetched partition: decodes their batches, and leaves out control records and aborted transactions.

use std::collections::BTreeSet;

use bytes::Bytes;
use kafka_protocol::messages::fetch_response::AbortedTransaction;
use kafka_protocol::records::{Record, RecordBatchDecoder, TimestampType as WireTimestampType};
use paystream_local::{KafkaRecord, TimestampType};

/// Position of fields in a batch of records (KIP-98), and the size up to the last of them.
const LENGTH: std::ops::Range<usize> = 8..12;
const LAST_OFFSET_DELTA: std::ops::Range<usize> = 23..27;
const HEADER_BYTES: usize = 61;
/// Bytes of a batch that its length does not count.
const BEFORE_LENGTH_BYTES: usize = 12;
/// Type of the control record that aborts a transaction, after two bytes of a version.
const ABORT: [u8; 2] = [0, 0];

/// Decodes the batches of a partition that was read from `offset`. Returns the committed records from there on, and the
/// offset to read from next.
pub(super) fn decode(
    mut batches: Bytes,
    offset: i64,
    aborted: &[AbortedTransaction],
) -> Result<(Vec<KafkaRecord>, i64), String> {
    let mut transactions = Transactions::new(aborted);
    let (mut records, mut next) = (Vec::new(), offset);
    while let Some((mut batch, last)) = next_batch(&mut batches) {
        let decoded = RecordBatchDecoder::decode(&mut batch).map_err(|error| error.to_string())?;
        for record in decoded.records {
            if transactions.is_committed(&record, last) && record.offset >= offset {
                records.push(converted(record));
            }
        }
        // The offsets of a batch stay its own, also if its last records have been compacted away.
        next = next.max(last + 1);
    }
    Ok((records, next))
}

/// Takes the next batch, and returns its last offset. The last batch of a response may be cut off.
fn next_batch(batches: &mut Bytes) -> Option<(Bytes, i64)> {
    let length = i32::from_be_bytes(batches.get(LENGTH)?.try_into().ok()?);
    let size = BEFORE_LENGTH_BYTES + usize::try_from(length).ok()?;
    if size < HEADER_BYTES || batches.len() < size {
        return None;
    }
    let batch = batches.split_to(size);
    let base = i64::from_be_bytes(batch.get(..8)?.try_into().ok()?);
    let delta = i32::from_be_bytes(batch.get(LAST_OFFSET_DELTA)?.try_into().ok()?);
    Some((batch, base + i64::from(delta)))
}

/// Producers whose transaction is aborted at the current offset.
struct Transactions {
    /// First offset and producer of the aborted transactions ahead, the next one last.
    ahead: Vec<(i64, i64)>,
    aborting: BTreeSet<i64>,
}

impl Transactions {
    fn new(aborted: &[AbortedTransaction]) -> Self {
        let mut ahead: Vec<_> = aborted.iter().map(|one| (one.first_offset, one.producer_id.0)).collect();
        ahead.sort_unstable_by(|one, other| other.cmp(one));
        Self { ahead, aborting: BTreeSet::new() }
    }

    /// True for data that is not of an aborted transaction. `last` is the last offset of the record's batch.
    fn is_committed(&mut self, record: &Record, last: i64) -> bool {
        while let Some((_, producer)) = self.ahead.pop_if(|(first, _)| *first <= last) {
            self.aborting.insert(producer);
        }
        if record.control {
            let kind = record.key.as_ref().and_then(|key| key.get(2..4));
            if kind == Some(&ABORT) {
                self.aborting.remove(&record.producer_id);
            }
            return false;
        }
        !(record.transactional && self.aborting.contains(&record.producer_id))
    }
}

fn converted(record: Record) -> KafkaRecord {
    let timestamp_type = match record.timestamp_type {
        WireTimestampType::Creation => TimestampType::CreateTime,
        WireTimestampType::LogAppend => TimestampType::LogAppendTime,
    };
    KafkaRecord {
        offset: record.offset,
        timestamp_ms: record.timestamp,
        timestamp_type,
        key: record.key,
        value: record.value,
        headers: record.headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::messages::ProducerId;
    use kafka_protocol::records::{Compression, RecordBatchEncoder, RecordEncodeOptions};

    use super::*;

    const OPTIONS: RecordEncodeOptions = RecordEncodeOptions { version: 2, compression: Compression::None };

    fn record(offset: i64, producer_id: i64) -> Record {
        Record {
            transactional: producer_id >= 0,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: 0,
            producer_id,
            producer_epoch: 0,
            timestamp_type: WireTimestampType::Creation,
            offset,
            sequence: 0,
            timestamp: 1_700_000_000_000,
            key: None,
            value: Some(Bytes::from(offset.to_string())),
            headers: kafka_protocol::indexmap::IndexMap::new(),
        }
    }

    /// Control record that ends a transaction.
    fn marker(offset: i64, producer_id: i64, kind: u8) -> Record {
        Record { control: true, key: Some(Bytes::copy_from_slice(&[0, 0, 0, kind])), ..record(offset, producer_id) }
    }

    /// Encodes each record as a batch of its own.
    fn encoded(records: &[Record]) -> Bytes {
        let mut bytes = BytesMut::new();
        for record in records {
            RecordBatchEncoder::encode(&mut bytes, [record], &OPTIONS).unwrap();
        }
        bytes.freeze()
    }

    fn offsets((records, next): (Vec<KafkaRecord>, i64)) -> (Vec<i64>, i64) {
        (records.iter().map(|record| record.offset).collect(), next)
    }

    #[test]
    fn control_records_and_aborted_transactions_are_left_out_and_their_offsets_are_passed() {
        let log = [
            record(5, 1),
            record(6, 2),
            record(7, -1),
            marker(8, 1, 0),
            record(9, 1),
            marker(10, 2, 1),
            marker(11, 1, 1),
        ];
        let aborted = [AbortedTransaction::default().with_producer_id(ProducerId(1)).with_first_offset(5)];
        let decoded = decode(encoded(&log), 5, &aborted).unwrap();
        assert_eq!(offsets(decoded), (vec![6, 7, 9], 12), "producer 1 aborted, and then committed another transaction");
    }

    #[test]
    fn records_before_the_position_and_a_batch_that_is_cut_off_are_left_out() {
        let bytes = encoded(&[record(3, -1), record(4, -1), record(5, -1)]);
        let cut_off = bytes.slice(..bytes.len() - 1);
        assert_eq!(offsets(decode(cut_off, 4, &[]).unwrap()), (vec![4], 5));
        assert_eq!(offsets(decode(Bytes::new(), 4, &[]).unwrap()), (vec![], 4));
    }

    #[test]
    fn the_offsets_of_a_batch_are_passed_if_its_last_records_were_compacted_away() {
        let mut bytes = BytesMut::from(&encoded(&[record(3, -1)])[..]);
        bytes[LAST_OFFSET_DELTA].copy_from_slice(&4_i32.to_be_bytes());
        let (_, last) = next_batch(&mut bytes.freeze()).unwrap();
        assert_eq!(last, 7);
    }
}
