//! Subscriber of a Kafka topic, from its first record.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use paystream_local::{FetchPosition, KafkaCluster, Topic};

use super::{Message, SubscriberError};
use crate::KafkaClient;

#[derive(Debug)]
pub(super) struct KafkaSubscriber {
    client: Arc<KafkaClient>,
    topic: String,
    /// Offset to read from next, by partition.
    next: BTreeMap<i32, i64>,
}

impl KafkaSubscriber {
    pub(super) fn new(client: Arc<KafkaClient>, topic: String) -> Self {
        Self { client, topic, next: BTreeMap::new() }
    }

    pub(super) async fn read(&mut self) -> Result<Vec<Message>, SubscriberError> {
        for partition in self.topic().await?.partitions {
            self.next.entry(partition).or_default();
        }
        let mut messages = Vec::new();
        let mut unread = self.next.clone();
        while !unread.is_empty() {
            let positions: Vec<_> = unread
                .iter()
                .map(|(partition, offset)| FetchPosition { partition: *partition, offset: *offset })
                .collect();
            for fetched in self.client.fetch(&self.topic, &positions, Duration::ZERO).await? {
                if fetched.is_out_of_range {
                    return Err(SubscriberError::Gone { topic: self.topic.clone(), partition: fetched.partition });
                }
                messages.extend(fetched.records.into_iter().map(|record| Message {
                    partition: fetched.partition,
                    key: record.key.unwrap_or_default().to_vec(),
                    value: record.value.unwrap_or_default().to_vec(),
                }));
                self.next.insert(fetched.partition, fetched.next);
                if fetched.next < fetched.end {
                    unread.insert(fetched.partition, fetched.next);
                } else {
                    unread.remove(&fetched.partition);
                }
            }
        }
        Ok(messages)
    }

    pub(super) async fn write(&self, key: &str, value: &[u8]) -> Result<(), SubscriberError> {
        Ok(self.client.write(&self.topic, key.as_bytes(), value).await?)
    }

    pub(super) async fn add_partition(&self) -> Result<(), SubscriberError> {
        let count = self.topic().await?.partitions.len() + 1;
        Ok(self.client.add_partitions(&self.topic, i32::try_from(count).unwrap_or(i32::MAX)).await?)
    }

    async fn topic(&self) -> Result<Topic, SubscriberError> {
        self.client.topic(&self.topic).await?.ok_or_else(|| SubscriberError::NoTopic(self.topic.clone()))
    }
}
