//! Mappings of Kafka topics.
//!
//! One [`reader::TopicReader`] reads all partitions and distributes their records to slots. A batch may mix partitions.
//! Consumer groups of the cluster are not used: offsets are checkpoints of the environment.

mod delivery;
mod event;
mod partition;
mod reader;
mod simulation;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::core::MappingCore;
use super::{MappingContext, MappingError};
use crate::hubs::{Hub, HubClient, KafkaCluster, KafkaError};
use crate::lambda::Function;
use crate::status::EventSourceStatus;
use crate::template::{KafkaSource, MappingSpec};
use partition::{Checkpoint, Partitions, unread};
use reader::TopicReader;
pub use simulation::{KafkaBatches, KafkaSimulation, OffsetReset};

/// Event source mapping of a topic.
pub(crate) struct KafkaMapping {
    core: MappingCore,
    source: KafkaSource,
    /// Addresses in the function's event.
    bootstrap_servers: String,
    cluster: Arc<dyn KafkaCluster>,
    simulation: KafkaSimulation,
    partitions: Mutex<Partitions>,
}

impl KafkaMapping {
    pub(super) fn new(
        spec: MappingSpec,
        source: KafkaSource,
        function: Arc<Function>,
        context: MappingContext,
    ) -> Result<Self, MappingError> {
        let none = MappingError::NoHub { needed: "Kafka cluster", hub: "kafka" };
        let Some(Hub { url, client: HubClient::Kafka(cluster) }) = context.hub.clone() else { return Err(none) };
        let bootstrap_servers =
            if source.bootstrap_servers.is_empty() { url.address() } else { source.bootstrap_servers.clone() };
        let (checkpoints, simulation) = (context.checkpoints.clone(), context.kafka);
        let core = MappingCore::new(spec, function, context, checkpoints);
        Ok(Self { core, source, bootstrap_servers, cluster, simulation, partitions: Mutex::default() })
    }

    pub(super) fn id(&self) -> &str {
        &self.core.spec.id
    }

    /// Starts reading. Records that were written after this returns are delivered, also with `LATEST`.
    pub(super) async fn start(self: &Arc<Self>) -> Result<JoinHandle<()>, KafkaError> {
        if !self.core.spec.enabled {
            return Ok(tokio::spawn(async {}));
        }
        let mut reader = TopicReader::new(Arc::clone(self));
        reader.discover().await?;
        Ok(tokio::spawn(reader.run()))
    }

    /// True if all records written so far are settled.
    pub(super) async fn is_drained(&self) -> bool {
        let unread = unread(&self.partitions.lock());
        let Some(unread) = unread else { return false };
        if unread.is_empty() {
            return true;
        }
        match self.cluster.fetch(&self.source.topic, &unread, std::time::Duration::ZERO).await {
            Ok(fetched) => {
                fetched.iter().all(|partition| partition.records.is_empty() && partition.next >= partition.end)
            }
            Err(_) => false,
        }
    }

    pub(super) fn status(&self) -> EventSourceStatus {
        let mut status = self.core.status(self.source.cluster_arn.as_deref().unwrap_or(&self.bootstrap_servers));
        for shard in status.shards.values_mut() {
            let checkpoint = shard.position.as_deref().and_then(Checkpoint::parse);
            shard.position = checkpoint.map(|checkpoint| checkpoint.offset.to_string());
        }
        status
    }

    /// Returns the id of a partition in events and in the status: `<topic>-<partition>`.
    fn partition_id(&self, partition: i32) -> Arc<str> {
        format!("{}-{partition}", self.source.topic).into()
    }
}
