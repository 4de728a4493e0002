//! How often each function has called what: what a payment would be billed for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::emulators::Service;

/// What an operation that the service does not have is counted as.
const UNKNOWN_OPERATION: &str = "unknown";

/// Calls of functions that reached an emulator, by function, service and operation. Those whose answer was lost are
/// among them, those that were answered or reset before they were carried out are not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Calls(pub BTreeMap<String, BTreeMap<Service, BTreeMap<String, u64>>>);

impl Calls {
    /// The calls of a function, by its logical id, to an operation.
    pub fn count(&self, function: &str, service: Service, operation: &str) -> u64 {
        let operations = self.0.get(function).and_then(|services| services.get(&service));
        operations.and_then(|operations| operations.get(operation)).copied().unwrap_or_default()
    }

    /// All calls of all functions.
    pub fn total(&self) -> u64 {
        self.0.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values).sum()
    }

    pub(super) fn add(&mut self, caller: &str, service: Service, operation: &str) {
        let operation = if service.knows(operation) { operation } else { UNKNOWN_OPERATION };
        let operations = self.0.entry(caller.to_owned()).or_default().entry(service).or_default();
        *operations.entry(operation.to_owned()).or_default() += 1;
    }
}
