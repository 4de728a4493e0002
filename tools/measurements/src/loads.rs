//! What functions are asked to do, again and again: each time the same for other payments and orders.

use std::collections::BTreeMap;

use axum::body::Bytes;
use serde_json::Value;

use crate::events::{order, payment, projected, published, relayed};
use crate::{FUNCTIONS, Function};

/// Events of one kind for one function.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Who they are for.
    pub function: &'static Function,
    /// Which of the floors does the same, and what figures of it are printed under.
    pub floor: &'static str,
    /// What one event holds: `record` or `request`.
    pub unit: &'static str,
    /// How many of them it holds.
    pub units: usize,
    /// The most that the function may take, as a multiple of what its floor does.
    pub ratio_max: f64,
    /// How many more events the one of two runs is given than the other.
    pub more: usize,
    /// The calls of services that an event of so many units takes.
    calls: fn(usize) -> Vec<(&'static str, usize)>,
    /// An event of so many units; each number makes another.
    event: fn(usize, usize) -> Value,
    is_right: fn(&Value) -> bool,
}

/// Where calls are most of what there is to do.
const RATIO_MAX: f64 = 1.5;
/// Where there is none, so that it weighs more that an item is read as strictly as everywhere.
const RATIO_MAX_OF_READING: f64 = 2.0;
/// Payments that one batch for the projector holds, each of an order of its own.
const PROJECTED: usize = 1_000;
/// Payments that one batch for the relay holds: as many as the template gives it.
const RELAYED: usize = 500;

/// A load of each function that waits for nobody, and of the relay also what it is given most: payments that are published.
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

/// What the projector does, by floors that write payments one by one, and in larger calls.
pub const LARGER_CALLS: [Load; 3] = [
    LOADS[0],
    Load {
        floor: "order-projector-statements",
        ratio_max: RATIO_MAX,
        calls: |records| vec![("BatchExecuteStatement", records.div_ceil(25)), ("BatchGetItem", records.div_ceil(100))],
        ..LOADS[0]
    },
    Load {
        floor: "order-projector-transactions",
        ratio_max: RATIO_MAX,
        calls: |records| vec![("TransactWriteItems", records.div_ceil(100)), ("BatchGetItem", records.div_ceil(100))],
        ..LOADS[0]
    },
];

impl Load {
    /// So many events, behind one of few units: under `valgrind` code that runs for the first time takes long enough for
    /// calls to be given up.
    pub fn events(&self, count: usize) -> Vec<Bytes> {
        self.sizes(count).enumerate().map(|(number, units)| (self.event)(number, units).to_string().into()).collect()
    }

    /// Whether an answer says that all was done.
    pub fn is_right(&self, answer: &[u8]) -> bool {
        serde_json::from_slice(answer).is_ok_and(|answer| (self.is_right)(&answer))
    }

    /// The calls that those events take.
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
    fn an_event_holds_as_many_units_as_it_says_and_no_two_are_the_same() {
        for load in LOADS {
            let events = load.events(2);
            assert!(events[1] != events[2], "{}", load.floor);
            let last: Value = serde_json::from_slice(&events[2]).unwrap();
            let units = last["Records"].as_array().map_or(1, Vec::len);
            assert_eq!(units, load.units, "{}", load.floor);
        }
    }
}
