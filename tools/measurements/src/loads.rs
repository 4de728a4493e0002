//! Loads: repeated events for a function, each with different payments and orders.

use std::collections::BTreeMap;

use axum::body::Bytes;
use serde_json::Value;

use crate::events::{order, payment, projected, published, relayed};
use crate::{FUNCTIONS, Function};

/// Events of one kind for one function.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Function that receives the events.
    pub function: &'static Function,
    /// Name of the baseline for this load, and label of its figures.
    pub floor: &'static str,
    /// Unit of an event: `record`, `change` or `request`.
    pub unit: &'static str,
    /// Number of units in an event.
    pub units: usize,
    /// Maximum instructions of the function, as a multiple of its baseline.
    pub ratio_max: f64,
    /// Additional events in the second of two runs.
    pub more: usize,
    /// Expected calls to services for an event with this many units.
    calls: fn(usize) -> Vec<(&'static str, usize)>,
    /// Makes event `number` with this many units: `event(number, units)`.
    event: fn(usize, usize) -> Value,
    /// True if the response reports success.
    is_right: fn(&Value) -> bool,
}

/// Budget for loads that make calls, which dominate.
const RATIO_MAX: f64 = 1.5;
/// Budget for the load without calls, in which the strict decoding of items weighs more.
const RATIO_MAX_OF_READING: f64 = 2.0;
/// Payments in a batch for the projector, each of an order of its own.
const PROJECTED: usize = 250;
/// Payments in a batch for the relay: the batch size of the template.
const RELAYED: usize = 500;

/// One load for each function except the synchronous mode, and a second for the relay with its most frequent input:
/// published payments.
pub const LOADS: [Load; 5] = [
    Load {
        function: &FUNCTIONS[2],
        floor: "order-projector",
        ratio_max: RATIO_MAX,
        unit: "record",
        units: PROJECTED,
        more: 1,
        calls: |records| vec![("PutItem", records), ("BatchGetItem", records.div_ceil(100))],
        event: projected,
        is_right: nothing_failed,
    },
    Load {
        function: &FUNCTIONS[1],
        floor: "payment-relay",
        ratio_max: RATIO_MAX,
        unit: "record",
        units: RELAYED,
        more: 1,
        calls: |records| vec![("PutRecords", 1), ("UpdateItem", records)],
        event: relayed,
        is_right: nothing_failed,
    },
    Load {
        function: &FUNCTIONS[1],
        floor: "payment-relay-published",
        ratio_max: RATIO_MAX_OF_READING,
        unit: "change",
        units: RELAYED,
        more: 1,
        calls: |_| Vec::new(),
        event: published,
        is_right: nothing_failed,
    },
    Load {
        function: &FUNCTIONS[0],
        floor: "payment-api",
        ratio_max: RATIO_MAX,
        unit: "request",
        units: 1,
        more: 60,
        calls: |_| vec![("PutItem", 2), ("PutRecord", 1), ("UpdateItem", 1)],
        event: payment,
        is_right: created,
    },
    Load {
        function: &FUNCTIONS[3],
        floor: "order-api",
        ratio_max: RATIO_MAX,
        unit: "request",
        units: 1,
        more: 60,
        calls: |_| vec![("Query", 2), ("PutItem", 1)],
        event: order,
        is_right: created,
    },
];

impl Load {
    /// Returns this many events after a small first one. Code that runs for the first time is so slow under `valgrind`
    /// that calls of a large event would time out.
    pub fn events(&self, count: usize) -> Vec<Bytes> {
        self.sizes(count).enumerate().map(|(number, units)| (self.event)(number, units).to_string().into()).collect()
    }

    /// True if a response reports success.
    pub fn is_right(&self, answer: &[u8]) -> bool {
        serde_json::from_slice(answer).is_ok_and(|answer| (self.is_right)(&answer))
    }

    /// Expected calls to services for this many events and the first one, by operation.
    pub fn calls_of(&self, events: usize) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for (operation, count) in self.sizes(events).flat_map(self.calls) {
            *calls.entry(operation.to_owned()).or_default() += count;
        }
        calls
    }

    fn sizes(&self, events: usize) -> impl Iterator<Item = usize> {
        [self.units.min(FIRST)].into_iter().chain(std::iter::repeat_n(self.units, events))
    }
}

/// Units of the first event.
const FIRST: usize = 5;

fn nothing_failed(answer: &Value) -> bool {
    answer["batchItemFailures"].as_array().is_some_and(Vec::is_empty)
}

fn created(answer: &Value) -> bool {
    answer["statusCode"] == 201
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_distinct_and_have_the_declared_number_of_units() {
        for load in LOADS {
            let events = load.events(2);
            assert!(events[1] != events[2], "{}", load.floor);
            let last: Value = serde_json::from_slice(&events[2]).unwrap();
            let units = last["Records"].as_array().map_or(1, Vec::len);
            assert_eq!(units, load.units, "{}", load.floor);
        }
    }
}
