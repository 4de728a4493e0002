//! In-memory payment store.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Mutex;

use async_trait::async_trait;
use payment_events::{OrderId, PaymentId};

use crate::{
    Begun, Outbox, PAGE_MAX, Payment, PaymentQueries, PaymentRecord, PaymentStore, PaymentsPage, Refusal, Replaced,
    StoreError,
};

/// Implementation of the store ports in memory.
#[derive(Debug, Default)]
pub struct MemoryPayments {
    records: Mutex<BTreeMap<PaymentId, PaymentRecord>>,
}

impl MemoryPayments {
    /// Returns the stored record, for assertions.
    pub fn record(&self, payment_id: &PaymentId) -> Option<PaymentRecord> {
        self.records().get(payment_id).cloned()
    }

    /// Stores a record unconditionally.
    pub fn seed(&self, record: PaymentRecord) {
        self.records().insert(record.payment.payment_id.clone(), record);
    }

    /// Applies `change` if the stored record is still `known`.
    fn replace_if(&self, known: &PaymentRecord, change: impl FnOnce(&mut PaymentRecord)) -> Replaced {
        let mut records = self.records();
        let Some(stored) = records.get_mut(&known.payment.payment_id) else { return Replaced::Missing };
        let state =
            |record: &PaymentRecord| (record.payment.version, record.lease.holder.clone(), record.refusals.len());
        if state(stored) != state(known) {
            return Replaced::Lost(Box::new(stored.clone()));
        }
        change(stored);
        Replaced::Done
    }

    fn records(&self) -> std::sync::MutexGuard<'_, BTreeMap<PaymentId, PaymentRecord>> {
        self.records.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl PaymentStore for MemoryPayments {
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError> {
        let mut records = self.records();
        if let Some(known) = records.get(&record.payment.payment_id) {
            return Ok(Begun::Known(Box::new(known.clone())));
        }
        records.insert(record.payment.payment_id.clone(), record.clone());
        Ok(Begun::New)
    }

    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError> {
        Ok(self.record(payment_id))
    }

    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError> {
        Ok(self.replace_if(known, |stored| *stored = next.clone()))
    }

    async fn refuse(&self, known: &PaymentRecord, refusal: &Refusal) -> Result<Replaced, StoreError> {
        Ok(self.replace_if(known, |stored| stored.refusals.push(refusal.clone())))
    }
}

#[async_trait]
impl PaymentQueries for MemoryPayments {
    async fn find(&self, payment_id: &PaymentId) -> Result<Option<Payment>, StoreError> {
        Ok(self.record(payment_id).map(|record| record.payment))
    }

    async fn find_by_order(
        &self,
        order_id: &OrderId,
        after: Option<&PaymentId>,
        limit: usize,
    ) -> Result<PaymentsPage, StoreError> {
        let records = self.records();
        let payments = records.range((after.map_or(Unbounded, Excluded), Unbounded)).map(|(_, record)| &record.payment);
        let mut payments = payments.filter(|payment| payment.order_id == *order_id).cloned();
        let page: Vec<_> = payments.by_ref().take(limit.min(PAGE_MAX)).collect();
        let last = page.last().map(|payment| payment.payment_id.clone());
        Ok(PaymentsPage { next_after: payments.next().and(last), payments: page })
    }
}

#[async_trait]
impl Outbox for MemoryPayments {
    async fn raise_position(&self, payment_id: &PaymentId, version: u64) -> Result<(), StoreError> {
        if let Some(record) = self.records().get_mut(payment_id)
            && (record.published_version.saturating_add(1)..=record.payment.version).contains(&version)
        {
            record.published_version = version;
        }
        Ok(())
    }
}
