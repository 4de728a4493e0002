//! Events on their way to the stream.

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use payment_events::PaymentEvent;
use payments::{EventPublisher, PublishError};

use crate::put_records::{StreamRecord, put_all};

/// Publishes to one Kinesis stream.
#[derive(Debug, Clone)]
pub struct KinesisPublisher {
    client: Client,
    stream: String,
}

impl KinesisPublisher {
    /// The stream of this name. Every call of `client` must have a timeout.
    pub fn new(client: Client, stream: impl Into<String>) -> Self {
        Self { client, stream: stream.into() }
    }

    /// Puts records back that have been on the stream before, byte by byte under their partition keys, and answers for
    /// each in its place. Keeps the order of those with the same key, as [`EventPublisher::publish_all`] does.
    pub async fn put_back(&self, records: &[(String, Vec<u8>)]) -> Vec<Result<(), PublishError>> {
        let records: Vec<_> = records.iter().map(|(key, data)| StreamRecord::of_bytes(key, data.clone())).collect();
        put_all(&self.client, &self.stream, &records).await
    }
}

#[async_trait]
impl EventPublisher for KinesisPublisher {
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError> {
        let put = self.client.put_record().stream_name(&self.stream).partition_key(event.partition_key());
        let answer = put.data(Blob::new(event.encode())).send().await;
        answer.map(|_| ()).map_err(|error| PublishError(error.into()))
    }

    async fn publish_all(&self, events: &[PaymentEvent]) -> Vec<Result<(), PublishError>> {
        let records: Vec<_> = events.iter().map(StreamRecord::of_event).collect();
        put_all(&self.client, &self.stream, &records).await
    }
}
