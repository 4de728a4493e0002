//! Publisher of events to Kinesis.

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use payment_events::PaymentEvent;
use payments::{EventPublisher, PublishError};

use crate::put_records::{StreamPosition, StreamRecord, put_all};

/// Publisher to one Kinesis stream.
#[derive(Debug, Clone)]
pub struct KinesisPublisher {
    client: Client,
    stream: String,
}

impl KinesisPublisher {
    /// Creates a publisher to the stream with this name. `client` must have timeouts.
    pub fn new(client: Client, stream: impl Into<String>) -> Self {
        Self { client, stream: stream.into() }
    }

    /// Puts records on the stream again, as pairs of partition key and unchanged data. Returns the new position of each
    /// record, in the order of `records`. Preserves the order of records with the same key, as [`EventPublisher::publish_all`]
    /// does.
    pub async fn put_back(&self, records: &[(String, Vec<u8>)]) -> Vec<Result<StreamPosition, PublishError>> {
        let records: Vec<_> = records.iter().map(|(key, data)| StreamRecord::of_bytes(key, data.clone())).collect();
        put_all(&self.client, &self.stream, &records).await
    }
}

#[async_trait]
impl EventPublisher for KinesisPublisher {
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError> {
        let put = self.client.put_record().stream_name(&self.stream).partition_key(event.partition_key());
        let result = put.data(Blob::new(event.encode())).send().await;
        result.map(|_| ()).map_err(|error| PublishError::Failed(error.into()))
    }

    async fn publish_all(&self, events: &[PaymentEvent]) -> Vec<Result<(), PublishError>> {
        let records: Vec<_> = events.iter().map(StreamRecord::of_event).collect();
        put_all(&self.client, &self.stream, &records).await.into_iter().map(|result| result.map(|_| ())).collect()
    }
}
