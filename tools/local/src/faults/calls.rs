//! Counts of the functions' calls to Kinesis and DynamoDB.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::emulators::Service;

/// Name that unknown operations are counted under.
const UNKNOWN_OPERATION: &str = "unknown";

/// Calls of functions that reached an emulator, by function (logical id), service and operation. A call whose response
/// was lost counts; a call that a fault failed or reset before it was executed does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Calls(pub BTreeMap<String, BTreeMap<Service, BTreeMap<String, u64>>>);

impl Calls {
    /// Number of calls of a function, by its logical id, to an operation.
    pub fn count(&self, function: &str, service: Service, operation: &str) -> u64 {
        let operations = self.0.get(function).and_then(|services| services.get(&service));
        operations.and_then(|operations| operations.get(operation)).copied().unwrap_or_default()
    }

    /// Number of calls of all functions.
    pub fn total(&self) -> u64 {
        self.0.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values).sum()
    }

    pub(super) fn add(&mut self, caller: &str, service: Service, operation: &str) {
        let operation = if service.knows(operation) { operation } else { UNKNOWN_OPERATION };
        let operations = self.0.entry(caller.to_owned()).or_default().entry(service).or_default();
        *operations.entry(operation.to_owned()).or_default() += 1;
    }
}
