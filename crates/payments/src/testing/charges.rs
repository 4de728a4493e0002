//! In-memory charges of the simulated processor.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use payment_events::PaymentId;

use crate::{SimulatedCharge, SimulatedCharges, SimulatedProcessor, StoreError};

/// Implementation of [`SimulatedCharges`] in memory.
#[derive(Debug, Default)]
pub struct MemoryCharges {
    charges: Mutex<BTreeMap<PaymentId, SimulatedCharge>>,
}

impl MemoryCharges {
    /// Returns a simulator with charges of its own.
    pub fn simulator() -> Arc<SimulatedProcessor> {
        Arc::new(SimulatedProcessor::new(Arc::new(Self::default())))
    }

    /// Returns the charge of a key, for assertions.
    pub fn charge(&self, key: &PaymentId) -> Option<SimulatedCharge> {
        self.charges().get(key).cloned()
    }

    fn charges(&self) -> std::sync::MutexGuard<'_, BTreeMap<PaymentId, SimulatedCharge>> {
        self.charges.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl SimulatedCharges for MemoryCharges {
    async fn add(&self, key: &PaymentId, charge: &SimulatedCharge) -> Result<SimulatedCharge, StoreError> {
        Ok(self.charges().entry(key.clone()).or_insert_with(|| charge.clone()).clone())
    }

    async fn find(&self, key: &PaymentId) -> Result<Option<SimulatedCharge>, StoreError> {
        Ok(self.charge(key))
    }

    async fn void(&self, key: &PaymentId) -> Result<(), StoreError> {
        self.charges().insert(key.clone(), SimulatedCharge::Voided);
        Ok(())
    }
}
