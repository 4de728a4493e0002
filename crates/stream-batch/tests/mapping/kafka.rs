//! Mapping of a Kafka topic with `ReportBatchItemFailures`, as documented by Lambda: each partition has a checkpoint of
//! its own, and a batch may have records of several.

use std::sync::Arc;

use stream_batch::{BatchFailed, BatchResponse, KafkaPosition, Limits, Record};

use super::{DELIVERIES_MAX, PARTITIONS, Records, Schedule, World};

pub(crate) struct KafkaMapping {
    world: World,
    schedule: Schedule,
    /// Places of the records of each partition, in offset order.
    places: Vec<Vec<usize>>,
}

/// Parts of a batch: partition and range of its places.
type Parts = Vec<(usize, std::ops::Range<usize>)>;

impl KafkaMapping {
    pub(crate) fn new(records: &Records, schedule: &Schedule) -> Self {
        let of = |partition| (0..records.len()).filter(|place| records.partitions[*place] == partition).collect();
        let places = (0..PARTITIONS).map(of).collect();
        Self { world: World::new(records), schedule: schedule.clone(), places }
    }

    /// Delivers until every record is committed or a guarantee is violated.
    pub(crate) fn drain<C>(&self, consumer: &C) -> Result<(), String>
    where
        C: AsyncFn(
            &World,
            Vec<Record<u8, usize, KafkaPosition>>,
            &Limits<&dyn Fn() -> bool>,
        ) -> Result<BatchResponse<KafkaPosition>, BatchFailed>,
    {
        let mut committed = vec![0; PARTITIONS];
        let mut batch_size = self.schedule.batch_size;
        for n in 0..DELIVERIES_MAX {
            let parts = self.next(&committed, n, batch_size);
            if parts.is_empty() {
                return Ok(());
            }
            let batch = parts.iter().flat_map(|(partition, places)| {
                self.places[*partition][places.clone()].iter().map(|place| self.record(*place))
            });
            let response = self.world.deliver(batch.collect(), &self.schedule.delivery(n), consumer)?;
            match response.and_then(Result::ok).and_then(|response| self.interpret(&response, &parts)) {
                Some(checkpoints) => {
                    for (partition, checkpoint) in checkpoints {
                        committed[partition] = checkpoint;
                    }
                    batch_size = self.schedule.batch_size;
                }
                None if self.schedule.bisects => batch_size = (batch_size / 2).max(1),
                None => {}
            }
            let acknowledged = self.places.iter().zip(&committed).flat_map(|(places, end)| &places[..*end]);
            self.world.check_acknowledged(acknowledged.copied())?;
        }
        Err("records are redelivered forever".to_owned())
    }

    /// Returns the next batch: records from the checkpoints of the partitions, another partition first each time.
    fn next(&self, committed: &[usize], n: usize, batch_size: usize) -> Parts {
        let (mut parts, mut left) = (Vec::new(), batch_size);
        for partition in (0..PARTITIONS).map(|partition| (partition + n) % PARTITIONS) {
            let begin = committed[partition];
            // Two records of each, so that most batches have several partitions.
            let end = (begin + left.min(2)).min(self.places[partition].len());
            if end > begin {
                left -= end - begin;
                parts.push((partition, begin..end));
            }
        }
        parts
    }

    fn record(&self, place: usize) -> Record<u8, usize, KafkaPosition> {
        let Records { keys, partitions, .. } = &self.world.records;
        let identifier = KafkaPosition { partition: name(partitions[place]), offset: Some(offset(place)) };
        Record { key: keys[place], identifier, payload: place }
    }

    /// Returns the new checkpoint of each partition in the batch, or `None` if the whole batch failed. A partition
    /// without a failure is committed to the end of its records.
    fn interpret(&self, response: &BatchResponse<KafkaPosition>, parts: &Parts) -> Option<Vec<(usize, usize)>> {
        let response = serde_json::to_value(response).unwrap();
        let mut checkpoints: Vec<_> = parts.iter().map(|(partition, places)| (*partition, places.end)).collect();
        for failure in response["batchItemFailures"].as_array().unwrap() {
            let identifier = &failure["itemIdentifier"];
            let failed = identifier["offset"].as_i64()?;
            let (at, (partition, places)) =
                parts.iter().enumerate().find(|(_, (partition, _))| identifier["partition"] == *name(*partition))?;
            let place = places.clone().find(|place| offset(self.places[*partition][*place]) == failed)?;
            checkpoints[at].1 = checkpoints[at].1.min(place);
        }
        Some(checkpoints)
    }
}

/// Topics may end in what looks like a partition.
fn name(partition: usize) -> Arc<str> {
    format!("payments-1-{partition}").into()
}

/// Offsets have gaps, and grow in digits.
fn offset(place: usize) -> i64 {
    i64::try_from(place * place + 7).unwrap()
}
