//! Events on their way to the stream.

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};
use payment_events::PaymentEvent;
use payments::{EventPublisher, PublishError};

/// Records that one `PutRecords` call takes. (Its other bound, 5 MiB, is out of reach: an event is below 2 KiB.)
/// Source: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>.
const PUT_RECORDS_MAX: usize = 500;

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

    /// One call for at most [`PUT_RECORDS_MAX`] events, and the answer for each in its place.
    async fn put_records(&self, events: &[PaymentEvent]) -> Vec<Result<(), PublishError>> {
        let entries = events.iter().map(entry).collect::<Result<Vec<_>, _>>();
        let answer = match entries {
            Ok(entries) => self
                .client
                .put_records()
                .stream_name(&self.stream)
                .set_records(Some(entries))
                .send()
                .await
                .map_err(|error| aws_sdk_kinesis::error::DisplayErrorContext(error).to_string()),
            Err(error) => Err(error.to_string()),
        };
        match answer {
            Ok(answer) if answer.records.len() == events.len() => answer.records.into_iter().map(result).collect(),
            Ok(_) => fail_all(events, "Kinesis did not answer for every record"),
            Err(error) => fail_all(events, &error),
        }
    }
}

fn entry(event: &PaymentEvent) -> Result<PutRecordsRequestEntry, aws_sdk_kinesis::error::BuildError> {
    PutRecordsRequestEntry::builder().partition_key(event.partition_key()).data(Blob::new(event.encode())).build()
}

fn result(entry: PutRecordsResultEntry) -> Result<(), PublishError> {
    match entry.error_code {
        None => Ok(()),
        Some(code) => Err(PublishError(format!("{code}: {}", entry.error_message.unwrap_or_default()).into())),
    }
}

fn fail_all(events: &[PaymentEvent], reason: &str) -> Vec<Result<(), PublishError>> {
    events.iter().map(|_| Err(PublishError(reason.into()))).collect()
}

#[async_trait]
impl EventPublisher for KinesisPublisher {
    async fn publish(&self, event: &PaymentEvent) -> Result<(), PublishError> {
        let put = self.client.put_record().stream_name(&self.stream).partition_key(event.partition_key());
        let answer = put.data(Blob::new(event.encode())).send().await;
        answer.map(|_| ()).map_err(|error| PublishError(error.into()))
    }

    async fn publish_all(&self, events: &[PaymentEvent]) -> Vec<Result<(), PublishError>> {
        let mut results = Vec::with_capacity(events.len());
        for events in events.chunks(PUT_RECORDS_MAX) {
            results.extend(self.put_records(events).await);
        }
        results
    }
}
