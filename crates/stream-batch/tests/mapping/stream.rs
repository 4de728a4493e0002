//! Mapping of a shard of a Kinesis or DynamoDB stream, as documented by Lambda.

use std::collections::VecDeque;
use std::ops::Range;

use stream_batch::{BatchResponse, Limits, Record};

use super::{DELIVERIES_MAX, Records, Schedule, World};

pub(crate) struct StreamMapping {
    world: World,
    schedule: Schedule,
}

/// Lambda's view of an invocation.
enum Outcome {
    Done,
    FailedFrom(usize),
    Failed,
}

impl StreamMapping {
    pub(crate) fn new(records: &Records, schedule: &Schedule) -> Self {
        Self { world: World::new(records), schedule: schedule.clone() }
    }

    /// Delivers until every record is acknowledged or a guarantee is violated.
    pub(crate) fn drain<C>(&self, consumer: &C) -> Result<(), String>
    where
        C: AsyncFn(&World, Vec<Record<u8, usize>>, &Limits<&dyn Fn() -> bool>) -> BatchResponse,
    {
        let count = self.world.records.len();
        let mut checkpoint = 0;
        // Ends of the parts of a bisected batch, the next one first.
        let mut ends: VecDeque<usize> = VecDeque::new();
        for n in 0.. {
            let end = *ends.front().unwrap_or(&(checkpoint + self.schedule.batch_size).min(count));
            if checkpoint == count {
                return Ok(());
            }
            if n == DELIVERIES_MAX {
                return Err(format!("record {checkpoint} is redelivered forever"));
            }
            let batch = (checkpoint..end).map(|place| self.record(place)).collect();
            let response = self.world.deliver(batch, &self.schedule.delivery(n), consumer)?;
            match response.map_or(Outcome::Failed, |response| interpret(&response, checkpoint..end)) {
                Outcome::Done => checkpoint = end,
                Outcome::FailedFrom(place) => checkpoint = place,
                Outcome::Failed if self.schedule.bisects && end - checkpoint > 1 => {
                    if ends.is_empty() {
                        ends.push_front(end);
                    }
                    ends.push_front(checkpoint + (end - checkpoint) / 2);
                }
                Outcome::Failed => {}
            }
            while ends.front().is_some_and(|end| *end <= checkpoint) {
                ends.pop_front();
            }
            self.world.check_acknowledged(0..checkpoint)?;
        }
        Ok(())
    }

    fn record(&self, place: usize) -> Record<u8, usize> {
        Record { key: self.world.records.keys[place], identifier: number(place), payload: place }
    }
}

/// Sequence number that exceeds any integer type and grows in digits, so that a lexical comparison is wrong.
fn number(place: usize) -> String {
    format!("{}{:040}", 95 + place, place)
}

/// Interprets the JSON of a response as Lambda does.
fn interpret(response: &BatchResponse, places: Range<usize>) -> Outcome {
    let response = serde_json::to_value(response).unwrap();
    let failures = response["batchItemFailures"].as_array().unwrap();
    let numbers: Vec<_> =
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap_or_default()).collect();
    // Numeric comparison: without leading zeros, the longer number is the higher one.
    let Some(lowest) = numbers.iter().min_by_key(|number| (number.len(), **number)) else { return Outcome::Done };
    let place_of = |text: &str| places.clone().find(|place| number(*place) == text);
    if numbers.iter().any(|number| place_of(number).is_none()) {
        return Outcome::Failed;
    }
    place_of(lowest).map_or(Outcome::Failed, Outcome::FailedFrom)
}
