//! Delivery of the batches of a topic: Lambda's event, checkpoints, and the description of discarded batches.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::batch::StreamRecord;
use super::super::core::MappingCore;
use super::super::deliver::Deliverer;
use super::super::ledger::Ticket;
use super::super::on_failure::formatted;
use super::KafkaMapping;
use super::event::event_of;
use super::partition::Partition;

impl KafkaMapping {
    /// Saves the checkpoint of a partition if it has advanced.
    pub(super) fn save_checkpoint(&self, partition: &mut Partition) {
        if let Some(checkpoint) = partition.ledger.advance()
            && let Err(error) = self.core.progress.save_checkpoint(&partition.id, &checkpoint)
        {
            self.core.warn(&format!("the checkpoint was not saved: {error}"));
        }
    }
}

impl Deliverer for KafkaMapping {
    fn core(&self) -> &MappingCore {
        &self.core
    }

    fn event_of(&self, records: &[&StreamRecord]) -> String {
        event_of(self.source.cluster_arn.as_deref(), &self.bootstrap_servers, records)
    }

    /// Item identifiers are `{"partition": "<topic>-<partition>", "offset": <number>}`.
    fn position_of(&self, identifier: &Value, records: &[&StreamRecord]) -> Option<usize> {
        let (partition, offset) = (identifier["partition"].as_str()?, identifier["offset"].as_i64()?.to_string());
        records.iter().position(|record| *record.shard == *partition && record.sequence_number == offset)
    }

    fn batch_info(&self, records: &[&StreamRecord], payload: &str) -> (&'static str, Value) {
        let mut infos: BTreeMap<&str, Value> = BTreeMap::new();
        for record in records {
            let (offset, time) =
                (Value::from(record.sequence_number.as_str()), Value::from(formatted(record.arrived_at)));
            let info = infos
                .entry(&record.shard)
                .or_insert_with(|| json!({"firstRecordOffset": offset, "firstRecordTimestamp": time}));
            info["lastRecordOffset"] = offset;
            info["lastRecordTimestamp"] = time;
        }
        let info = json!({
            "batchSize": records.len(),
            "eventSourceArn": self.source.cluster_arn,
            "bootstrapServers": self.bootstrap_servers,
            "payloadSize": payload.len(),
            "recordsInfo": infos,
        });
        ("KafkaBatchInfo", info)
    }

    fn settle(&self, settled: &[(Ticket, &StreamRecord)]) {
        let mut partitions = self.partitions.lock();
        for partition in partitions.values_mut() {
            let own = settled.iter().filter(|(_, record)| record.shard == partition.id);
            let tickets: Vec<Ticket> = own.map(|(ticket, _)| *ticket).collect();
            if !tickets.is_empty() {
                partition.ledger.settle(&tickets);
                self.save_checkpoint(partition);
            }
        }
    }
}
