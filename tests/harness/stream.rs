//! What is on the payment stream, as any consumer would read it.

use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::types::ShardIteratorType;
use serde_json::Value;

use crate::Paystream;

impl Paystream {
    /// All events on the payment stream, once there are at least so many, those of a shard in order.
    ///
    /// # Panics
    /// Where fewer come, or a record is no JSON.
    pub async fn events_on_stream(&self, count: usize) -> Vec<Value> {
        Self::eventually(&format!("{count} events are on the stream"), async || {
            let events = self.all_events().await;
            (events.len() >= count).then_some(events)
        })
        .await
    }

    async fn all_events(&self) -> Vec<Value> {
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_connection::Https::new(aws_connection::Trust::System))
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .endpoint_url(self.environment().kinesis_url())
            .build();
        let kinesis = aws_sdk_kinesis::Client::from_conf(config);
        let stream = self.environment().physical_name("PaymentStream").unwrap_or_else(|| panic!("no payment stream"));
        let shards = kinesis.list_shards().stream_name(stream).send().await.unwrap_or_else(|error| panic!("{error:?}"));
        let mut events = Vec::new();
        for shard in shards.shards() {
            let iterator = kinesis.get_shard_iterator().stream_name(stream).shard_id(shard.shard_id());
            let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await;
            let iterator = iterator.unwrap_or_else(|error| panic!("{error:?}"));
            let records = kinesis.get_records().set_shard_iterator(iterator.shard_iterator).send().await;
            let records = records.unwrap_or_else(|error| panic!("{error:?}"));
            events.extend(records.records().iter().map(|record| {
                serde_json::from_slice::<Value>(record.data().as_ref()).unwrap_or_else(|error| panic!("{error}"))
            }));
        }
        events
    }
}
