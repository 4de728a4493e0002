//! Delivery of the batches of one shard: Lambda's event, checkpoint, and the description of discarded batches.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::super::batch::StreamRecord;
use super::super::core::MappingCore;
use super::super::deliver::Deliverer;
use super::super::ledger::{Ledger, Ticket};
use super::super::on_failure::formatted;
use super::StreamMapping;
use super::source::Source;

const EVENT_START: &str = "{\"Records\":[";
const EVENT_END: &str = "]}";
/// Size of an event without its records.
pub(super) const EVENT_FRAME_BYTES: usize = EVENT_START.len() + EVENT_END.len();

/// Delivery of the batches of one shard, concurrently if `ParallelizationFactor` is above 1.
pub(super) struct ShardDelivery {
    pub(super) mapping: Arc<StreamMapping>,
    pub(super) id: String,
    pub(super) ledger: Mutex<Ledger>,
}

impl ShardDelivery {
    pub(super) fn new(mapping: Arc<StreamMapping>, id: String) -> Self {
        let ledger = Ledger::new(mapping.core.spec.batch_size, mapping.core.spec.parallelization_factor);
        Self { mapping, id, ledger: Mutex::new(ledger) }
    }

    /// Saves the checkpoint of the shard if it has advanced.
    pub(super) fn save_checkpoint(&self, ledger: &mut Ledger) {
        let core = &self.mapping.core;
        if let Some(number) = ledger.advance()
            && let Err(error) = core.progress.save_checkpoint(&self.id, &number)
        {
            core.warn(&format!("the checkpoint was not saved: {error}"));
        }
    }
}

impl Deliverer for ShardDelivery {
    fn core(&self) -> &MappingCore {
        &self.mapping.core
    }

    fn event_of(&self, records: &[&StreamRecord]) -> String {
        let events: Vec<&str> = records.iter().map(|record| record.event.as_str()).collect();
        format!("{EVENT_START}{}{EVENT_END}", events.join(","))
    }

    fn position_of(&self, identifier: &Value, records: &[&StreamRecord]) -> Option<usize> {
        let number = identifier.as_str()?;
        records.iter().position(|record| record.sequence_number == number)
    }

    fn batch_info(&self, records: &[&StreamRecord], _payload: &str) -> (&'static str, Value) {
        let number = |record: Option<&&StreamRecord>| record.map(|record| record.sequence_number.clone());
        let arrival = |record: Option<&&StreamRecord>| record.map(|record| formatted(record.arrived_at));
        let (first, last) = (records.first(), records.last());
        let name = match self.mapping.source {
            Source::Kinesis { .. } => "KinesisBatchInfo",
            Source::Table { .. } => "DDBStreamBatchInfo",
        };
        let info = json!({
            "shardId": self.id,
            "startSequenceNumber": number(first),
            "endSequenceNumber": number(last),
            "approximateArrivalOfFirstRecord": arrival(first),
            "approximateArrivalOfLastRecord": arrival(last),
            "batchSize": records.len(),
            "streamArn": self.mapping.source.arn(),
        });
        (name, info)
    }

    fn settle(&self, settled: &[(Ticket, &StreamRecord)]) {
        let tickets: Vec<Ticket> = settled.iter().map(|(ticket, _)| *ticket).collect();
        let mut ledger = self.ledger.lock();
        ledger.settle(&tickets);
        self.save_checkpoint(&mut ledger);
    }
}
