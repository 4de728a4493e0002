//! A store that fails, or loses responses.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use payment_events::PaymentId;
use payments::testing::MemoryPayments;
use payments::{Begun, PaymentRecord, PaymentStore, Refusal, Replaced, StoreError};

/// Fault during one request. Writes are numbered from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Reading the payment fails.
    Read,
    /// This write fails without effect.
    Before(u32),
    /// This write takes effect and fails.
    After(u32),
    /// This write takes effect, loses its response and is sent again, as by the SDK.
    Resent(u32),
    /// This write and all later ones fail without effect.
    Down(u32),
    /// This write takes effect and fails, and all later ones fail without effect.
    DownAfter(u32),
}

/// Result of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) takes_effect: bool,
    pub(crate) succeeds: bool,
}

impl Fault {
    /// Returns what becomes of the write with this number.
    pub(crate) fn write(self, number: u32) -> Write {
        let (takes_effect, succeeds) = match self {
            Self::Before(failing) if number == failing => (false, false),
            Self::After(failing) | Self::DownAfter(failing) if number == failing => (true, false),
            Self::Down(first) if number >= first => (false, false),
            Self::DownAfter(last) if number > last => (false, false),
            _ => (true, true),
        };
        Write { takes_effect, succeeds }
    }
}

/// A store in memory with the fault of the current request.
pub(crate) struct FailingStore {
    store: Arc<MemoryPayments>,
    /// The fault, and the number of writes so far.
    current: Mutex<(Fault, u32)>,
}

impl FailingStore {
    pub(crate) fn new(store: Arc<MemoryPayments>) -> Self {
        Self { store, current: Mutex::new((Fault::None, 0)) }
    }

    /// Begins a request with this fault.
    pub(crate) fn set(&self, fault: Fault) {
        *self.current.lock().unwrap() = (fault, 0);
    }

    /// Counts a write. Returns how often it takes effect, and whether it succeeds.
    fn next_write(&self) -> (u32, bool) {
        let mut current = self.current.lock().unwrap();
        current.1 += 1;
        let (fault, number) = *current;
        let Write { takes_effect, succeeds } = fault.write(number);
        (u32::from(takes_effect) + u32::from(fault == Fault::Resent(number)), succeeds)
    }
}

fn failed() -> StoreError {
    StoreError { context: "could not reach the store".to_owned(), source: "set to fail".into() }
}

#[async_trait]
impl PaymentStore for FailingStore {
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError> {
        let (times, succeeds) = self.next_write();
        let mut result = Err(failed());
        for _ in 0..times {
            result = self.store.begin(record).await;
        }
        if succeeds { result } else { Err(failed()) }
    }

    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError> {
        let is_failing = self.current.lock().unwrap().0 == Fault::Read;
        if is_failing { Err(failed()) } else { self.store.load(payment_id).await }
    }

    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError> {
        let (times, succeeds) = self.next_write();
        let mut result = Err(failed());
        for _ in 0..times {
            result = self.store.replace(known, next).await;
        }
        if succeeds { result } else { Err(failed()) }
    }

    async fn refuse(&self, known: &PaymentRecord, refusal: &Refusal) -> Result<Replaced, StoreError> {
        let (times, succeeds) = self.next_write();
        let mut result = Err(failed());
        for _ in 0..times {
            result = self.store.refuse(known, refusal).await;
        }
        if succeeds { result } else { Err(failed()) }
    }
}
