//! Kinesis: all shards of a stream, each from a checkpoint of this subscriber.
//!
//! Configured as every AWS client (`AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL_KINESIS`). It needs the permissions
//! `kinesis:ListShards`, `kinesis:GetShardIterator` and `kinesis:GetRecords`. All subscribers that poll share 5 reads a
//! second and 2 MB/s of each shard; with more than two or three, register one for enhanced fan-out.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_connection::{Https, Trust};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::DisplayErrorContext;
use aws_sdk_kinesis::operation::get_records::GetRecordsError;
use aws_sdk_kinesis::types::{Shard, ShardIteratorType};
use tokio::time::sleep;

use crate::source::{Batch, BoxError, Positions, Record, Source};

/// Position of a shard that was closed by a reshard, and read to its end.
const SHARD_END: &str = "SHARD_END";
/// Time between reads of a stream without new records, as Lambda's event source mapping has it.
const PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Kinesis {
    client: Client,
    stream: String,
    positions: Positions,
    /// Iterators of the shards that are being read.
    iterators: BTreeMap<String, String>,
    is_idle: bool,
}

impl Kinesis {
    pub(crate) async fn open(stream: &str, positions: Positions) -> Result<Self, BoxError> {
        let aws = aws_config::defaults(BehaviorVersion::latest()).http_client(Https::new(Trust::System)).load().await;
        let (client, stream) = (Client::new(&aws), stream.to_owned());
        let mut kinesis = Self { client, stream, positions, iterators: BTreeMap::new(), is_idle: false };
        kinesis.start_shards().await?;
        Ok(kinesis)
    }

    /// Starts to read each shard whose parents are read to their end, so that a key's records stay in order through a
    /// reshard.
    async fn start_shards(&mut self) -> Result<(), BoxError> {
        let shards = self.shards().await?;
        let is_listed = |id: &str| shards.iter().any(|shard| shard.shard_id() == id);
        self.positions.retain(|id, _| is_listed(id));
        for shard in &shards {
            let is_ended = |id: &str| self.positions.get(id).is_some_and(|position| position == SHARD_END);
            let mut parents = shard.parent_shard_id().into_iter().chain(shard.adjacent_parent_shard_id());
            let id = shard.shard_id();
            // A parent that is not listed has expired.
            if !is_ended(id) && !self.iterators.contains_key(id) && parents.all(|id| is_ended(id) || !is_listed(id)) {
                let iterator = self.iterator(id).await?;
                self.iterators.insert(id.to_owned(), iterator);
            }
        }
        Ok(())
    }

    async fn shards(&self) -> Result<Vec<Shard>, BoxError> {
        let (mut shards, mut token) = (Vec::new(), None);
        loop {
            // A call has the name of the stream or a token.
            let stream = token.is_none().then(|| self.stream.clone());
            let listed = self.client.list_shards().set_stream_name(stream).set_next_token(token).send().await;
            let listed = listed.map_err(|error| format!("{}: {}", self.stream, DisplayErrorContext(error)))?;
            shards.extend(listed.shards.unwrap_or_default());
            token = listed.next_token;
            if token.is_none() {
                return Ok(shards);
            }
        }
    }

    async fn iterator(&self, shard: &str) -> Result<String, BoxError> {
        let request = self.client.get_shard_iterator().stream_name(&self.stream).shard_id(shard);
        let request = match self.positions.get(shard) {
            Some(last) => {
                request.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).starting_sequence_number(last)
            }
            None => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
        };
        let iterator = request.send().await.map_err(|error| format!("{shard}: {}", DisplayErrorContext(error)))?;
        iterator.shard_iterator.ok_or_else(|| format!("{shard}: no iterator was returned").into())
    }
}

impl Source for Kinesis {
    async fn next(&mut self) -> Result<Batch, BoxError> {
        if self.is_idle {
            sleep(PAUSE).await;
        }
        let (mut batch, mut is_ended) = (Batch { is_latest: true, ..Batch::default() }, false);
        for (shard, iterator) in std::mem::take(&mut self.iterators) {
            let read = match self.client.get_records().shard_iterator(iterator).send().await {
                Ok(read) => read,
                // After five minutes without a read.
                Err(error) if error.as_service_error().is_some_and(GetRecordsError::is_expired_iterator_exception) => {
                    let iterator = self.iterator(&shard).await?;
                    self.iterators.insert(shard, iterator);
                    batch.is_latest = false;
                    continue;
                }
                Err(error) => return Err(format!("{shard}: {}", DisplayErrorContext(error)).into()),
            };
            batch.is_latest &= read.records.is_empty() && read.millis_behind_latest.unwrap_or_default() == 0;
            for record in read.records {
                let place = format!("{shard}/{}", record.sequence_number);
                batch.records.push(Record { place, data: record.data.into_inner() });
                self.positions.insert(shard.clone(), record.sequence_number);
            }
            if let Some(next) = read.next_shard_iterator {
                self.iterators.insert(shard, next);
            } else {
                self.positions.insert(shard, SHARD_END.to_owned());
                is_ended = true;
            }
        }
        if is_ended {
            self.start_shards().await?;
            batch.is_latest = false;
        }
        self.is_idle = batch.is_latest;
        batch.positions = Some(self.positions.clone());
        Ok(batch)
    }

    async fn confirm(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
}
