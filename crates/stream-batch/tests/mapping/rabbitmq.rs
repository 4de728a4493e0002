//! Mapping of a RabbitMQ queue: one consumer, and the whole batch is acknowledged or returned to its place in the queue.

use stream_batch::{BatchFailed, Limits, Record, UnreportableMessage};

use super::{DELIVERIES_MAX, Records, Schedule, World};

pub(crate) struct RabbitMqMapping {
    world: World,
    schedule: Schedule,
}

impl RabbitMqMapping {
    pub(crate) fn new(records: &Records, schedule: &Schedule) -> Self {
        Self { world: World::new(records), schedule: schedule.clone() }
    }

    /// Delivers until every message is acknowledged or a guarantee is violated.
    pub(crate) fn drain<C>(&self, consumer: &C) -> Result<(), String>
    where
        C: AsyncFn(
            &World,
            Vec<Record<u8, usize, UnreportableMessage>>,
            &Limits<&dyn Fn() -> bool>,
        ) -> Result<(), BatchFailed>,
    {
        let Records { keys, .. } = &self.world.records;
        let mut acknowledged = 0;
        for n in 0..DELIVERIES_MAX {
            if acknowledged == keys.len() {
                return Ok(());
            }
            let end = (acknowledged + self.schedule.batch_size).min(keys.len());
            let batch = (acknowledged..end)
                .map(|place| Record { key: keys[place], identifier: UnreportableMessage, payload: place })
                .collect();
            if let Some(Ok(())) = self.world.deliver(batch, &self.schedule.delivery(n), consumer)? {
                acknowledged = end;
            }
            self.world.check_acknowledged(0..acknowledged)?;
        }
        Err(format!("message {acknowledged} is redelivered forever"))
    }
}
