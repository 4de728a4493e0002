//! The payment stream of Kinesis: reading, writing and resharding.

use std::collections::BTreeMap;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{Shard, ShardIteratorType};
use fastrand::Rng;
use futures::lock::Mutex;
use paystream_client::emulator;
use paystream_local::Environment;
use telemetry::WithCauses;

use crate::appeared::Appeared;

/// Logical id of the stream in the template.
const STREAM: &str = "PaymentStream";
/// Maximum open shards.
const SHARDS_MAX: usize = 4;

/// A call of Kinesis failed.
#[derive(Debug, thiserror::Error)]
#[error("could not {what} of the stream: {reason}")]
pub struct KinesisError {
    what: &'static str,
    reason: String,
}

/// The payment stream, with a reader that continues where it ended.
#[derive(Debug)]
pub(crate) struct KinesisStream {
    client: Client,
    stream: String,
    reading: Mutex<Reading>,
}

#[derive(Debug, Default)]
struct Reading {
    /// Next iterator of each shard that was read; `None` at the end of a closed one.
    iterators: BTreeMap<String, Option<String>>,
    appeared: Appeared,
}

impl KinesisStream {
    pub(crate) fn of(environment: &Environment) -> Self {
        let client = Client::new(&emulator(environment.kinesis_url()));
        let stream = environment.physical_name(STREAM).unwrap_or(STREAM).to_owned();
        Self { client, stream, reading: Mutex::default() }
    }

    /// Reads all events that Payments has published. Shards are read in the order of their creation, so parents come
    /// before their children.
    pub(crate) async fn read(&self) -> Result<Appeared, KinesisError> {
        let mut reading = self.reading.lock().await;
        for shard in self.shards().await? {
            let known = reading.iterators.get(shard.shard_id()).cloned();
            let mut next = match known {
                Some(next) => next,
                None => self.first(shard.shard_id()).await?,
            };
            let mut last = next.clone();
            while let Some(iterator) = next {
                let page = self.client.get_records().shard_iterator(iterator).send().await;
                let page = page.map_err(|error| failed("read a shard", &error))?;
                for record in &page.records {
                    reading.appeared.add_message(record.data.as_ref());
                }
                last.clone_from(&page.next_shard_iterator);
                next = page.next_shard_iterator.filter(|_| !page.records.is_empty());
            }
            reading.iterators.insert(shard.shard_id, last);
        }
        Ok(reading.appeared.clone())
    }

    async fn shards(&self) -> Result<Vec<Shard>, KinesisError> {
        let listed = self.client.list_shards().stream_name(&self.stream).send().await;
        Ok(listed.map_err(|error| failed("list the shards", &error))?.shards.unwrap_or_default())
    }

    async fn first(&self, shard_id: &str) -> Result<Option<String>, KinesisError> {
        let iterator = self.client.get_shard_iterator().stream_name(&self.stream).shard_id(shard_id);
        let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await;
        Ok(iterator.map_err(|error| failed("get an iterator", &error))?.shard_iterator)
    }

    pub(crate) async fn put(&self, key: &str, data: Vec<u8>) -> Result<(), KinesisError> {
        let put = self.client.put_record().stream_name(&self.stream).partition_key(key).data(Blob::new(data));
        put.send().await.map(drop).map_err(|error| failed("put a record", &error))
    }

    /// Splits an open shard, or merges two adjacent ones at [`SHARDS_MAX`]. Returns false if another task changed the
    /// shards in the meantime.
    pub(crate) async fn reshard(&self, rng: &mut Rng) -> Result<bool, KinesisError> {
        let shards = self.shards().await?;
        let mut open: Vec<_> = shards.iter().filter_map(|shard| Some((range(shard)?, shard.shard_id()))).collect();
        open.sort_unstable();
        if open.len() < SHARDS_MAX {
            let ((first, last), shard) = open[rng.usize(..open.len())];
            let middle = first + (last - first) / 2;
            let split = self.client.split_shard().stream_name(&self.stream).shard_to_split(shard);
            Ok(split.new_starting_hash_key(middle.to_string()).send().await.is_ok())
        } else {
            let place = rng.usize(..open.len() - 1);
            let merge = self.client.merge_shards().stream_name(&self.stream).shard_to_merge(open[place].1);
            Ok(merge.adjacent_shard_to_merge(open[place + 1].1).send().await.is_ok())
        }
    }
}

/// Hash key range of a shard; `None` if it is closed.
fn range(shard: &Shard) -> Option<(u128, u128)> {
    if shard.sequence_number_range()?.ending_sequence_number().is_some() {
        return None;
    }
    let range = shard.hash_key_range()?;
    Some((range.starting_hash_key().parse().ok()?, range.ending_hash_key().parse().ok()?))
}

fn failed<E: std::error::Error + 'static>(what: &'static str, error: &E) -> KinesisError {
    KinesisError { what, reason: WithCauses(error).to_string() }
}
