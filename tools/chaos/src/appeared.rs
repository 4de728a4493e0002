//! First appearances of the versions of payments on the raw stream.

use std::collections::BTreeMap;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::ShardIteratorType;
use payment_events::{PaymentEvent, PaymentId};
use telemetry::WithCauses;

/// The stream could not be read.
#[derive(Debug, thiserror::Error)]
#[error("could not {what} of the stream: {reason}")]
pub struct StreamError {
    what: &'static str,
    reason: String,
}

/// Versions of each payment that have appeared on the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appeared {
    /// Highest version of each payment up to which all have appeared, in order.
    versions: BTreeMap<PaymentId, u64>,
    /// Versions that appeared before an earlier one.
    disordered: Vec<String>,
}

impl Appeared {
    /// Adds an event, in stream order. Repetitions are allowed.
    pub fn add(&mut self, payment_id: &PaymentId, version: u64) {
        let last = self.versions.entry(payment_id.clone()).or_default();
        if version == *last + 1 {
            *last = version;
        } else if version > *last {
            self.disordered.push(format!("{payment_id}: version {version} appeared when {last} was the last"));
        }
    }

    /// Returns the version up to which all have appeared; 0 if none has.
    pub(crate) fn up_to(&self, payment_id: &PaymentId) -> u64 {
        self.versions.get(payment_id).copied().unwrap_or_default()
    }

    pub(crate) fn disordered(&self) -> &[String] {
        &self.disordered
    }
}

/// Reader of a stream that continues where it ended.
#[derive(Debug)]
pub(crate) struct StreamReader {
    client: Client,
    stream: String,
    /// Next iterator of each shard that was read; `None` at the end of a closed one.
    iterators: BTreeMap<String, Option<String>>,
    appeared: Appeared,
}

impl StreamReader {
    /// Creates a reader of the stream from its beginning.
    pub(crate) fn new(client: Client, stream: String) -> Self {
        Self { client, stream, iterators: BTreeMap::new(), appeared: Appeared::default() }
    }

    /// Reads all events that Payments has published. Shards are read in the order of their creation, so parents come
    /// before their children.
    pub(crate) async fn read(&mut self) -> Result<&Appeared, StreamError> {
        let listed = self.client.list_shards().stream_name(&self.stream).send().await;
        let shards = listed.map_err(|error| failed("list the shards", &error))?.shards.unwrap_or_default();
        for shard in shards {
            let known = self.iterators.get(shard.shard_id()).cloned();
            let mut next = match known {
                Some(next) => next,
                None => self.first(shard.shard_id()).await?,
            };
            let mut last = next.clone();
            while let Some(iterator) = next {
                let page = self.client.get_records().shard_iterator(iterator).send().await;
                let page = page.map_err(|error| failed("read a shard", &error))?;
                for record in &page.records {
                    self.add(record.data.as_ref());
                }
                last.clone_from(&page.next_shard_iterator);
                next = page.next_shard_iterator.filter(|_| !page.records.is_empty());
            }
            self.iterators.insert(shard.shard_id, last);
        }
        Ok(&self.appeared)
    }

    async fn first(&self, shard_id: &str) -> Result<Option<String>, StreamError> {
        let iterator = self.client.get_shard_iterator().stream_name(&self.stream).shard_id(shard_id);
        let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await;
        Ok(iterator.map_err(|error| failed("get an iterator", &error))?.shard_iterator)
    }

    /// Adds a record of Payments. Those of the disturbances are invalid or have no transition.
    fn add(&mut self, data: &[u8]) {
        let Ok(event) = PaymentEvent::decode(data) else { return };
        if event.transition().is_some() {
            self.appeared.add(&event.payment().payment_id, event.payment().version);
        }
    }
}

fn failed<E: std::error::Error + 'static>(what: &'static str, error: &E) -> StreamError {
    StreamError { what, reason: WithCauses(error).to_string() }
}
