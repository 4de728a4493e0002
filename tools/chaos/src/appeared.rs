//! First appearances of the versions of payments on the raw hub.

use std::collections::BTreeMap;

use payment_events::{PaymentEvent, PaymentId};

/// Versions of each payment that have appeared on the hub.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appeared {
    /// Highest version of each payment up to which all have appeared, in order.
    versions: BTreeMap<PaymentId, u64>,
    /// Versions that appeared before an earlier one.
    disordered: Vec<String>,
}

impl Appeared {
    /// Adds an event, in the order of the hub. Repetitions are allowed.
    pub fn add(&mut self, payment_id: &PaymentId, version: u64) {
        let last = self.versions.entry(payment_id.clone()).or_default();
        if version == *last + 1 {
            *last = version;
        } else if version > *last {
            self.disordered.push(format!("{payment_id}: version {version} appeared when {last} was the last"));
        }
    }

    /// Returns the version up to which all have appeared; 0 if none has.
    pub(crate) fn up_to(&self, payment_id: &PaymentId) -> u64 {
        self.versions.get(payment_id).copied().unwrap_or_default()
    }

    /// Adds a message of Payments. Those of the disturbances are invalid or have no transition.
    pub(crate) fn add_message(&mut self, data: &[u8]) {
        let Ok(event) = PaymentEvent::decode(data) else { return };
        if event.transition().is_some() {
            self.add(&event.payment().payment_id, event.payment().version);
        }
    }

    pub(crate) fn disordered(&self) -> &[String] {
        &self.disordered
    }
}
