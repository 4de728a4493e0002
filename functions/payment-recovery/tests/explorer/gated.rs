//! A payments table with its change stream, and a payment processor, whose calls wait until the explorer lets them through.

use std::fmt::Write;
use std::sync::Arc;

use async_trait::async_trait;
use payment_events::{Decline, PaymentId};
use payments::{
    Authorization, Begun, Outcome, PaymentProcessor, PaymentRecord, PaymentStore, ProcessorError, ProcessorRecord,
    Refusal, Replaced, StoreError,
};
use paystream_explorer::{Gate, ready};

use super::{Charge, ChargeState, World};

/// The ports of a process.
pub(crate) struct Gated(pub(crate) Arc<Gate<World>>);

fn store_failed() -> StoreError {
    StoreError { context: "could not call".to_owned(), source: "set to fail".into() }
}

fn processor_failed() -> ProcessorError {
    ProcessorError::TimedOut(1)
}

#[async_trait]
impl PaymentStore for Gated {
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError> {
        let begin = |world: &World| {
            let begun = ready(world.table.begin(record)).unwrap();
            if begun == Begun::New {
                world.images().push(record.clone());
            }
            begun
        };
        let describe = |begun: &Begun| match begun {
            Begun::New => format!("begun {}", described(record)),
            Begun::Known(known) => format!("known {}", described(known)),
        };
        self.0.call(begin, describe).await.ok_or_else(store_failed)
    }

    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError> {
        let describe = |record: &Option<PaymentRecord>| record.as_ref().map(described).unwrap_or_default();
        self.0.call(|world| world.table.record(payment_id), describe).await.ok_or_else(store_failed)
    }

    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError> {
        let replace = |world: &World| {
            let replaced = ready(world.table.replace(known, next)).unwrap();
            if replaced == Replaced::Done {
                world.images().push(next.clone());
            }
            replaced
        };
        let describe = |replaced: &Replaced| match replaced {
            Replaced::Lost(stored) => format!("lost to {}", described(stored)),
            other => format!("{other:?} {}", described(next)),
        };
        self.0.call(replace, describe).await.ok_or_else(store_failed)
    }

    async fn refuse(&self, _: &PaymentRecord, _: &Refusal) -> Result<Replaced, StoreError> {
        Err(store_failed())
    }
}

#[async_trait]
impl PaymentProcessor for Gated {
    async fn authorize(&self, _: Authorization<'_>) -> Result<Outcome, ProcessorError> {
        let authorize = |world: &World| {
            let mut charge = world.charge();
            if charge.state == ChargeState::Unknown {
                *charge = Charge { state: ChargeState::Held, holds: charge.holds + 1 };
            }
            match charge.state {
                ChargeState::Voided => {
                    Outcome::Declined(Decline { code: "voided".to_owned(), message: "void".to_owned() })
                }
                _ => Outcome::Approved,
            }
        };
        self.0.call(authorize, |outcome| format!("{outcome:?}")).await.ok_or_else(processor_failed)
    }

    async fn look_up(&self, _: &PaymentId) -> Result<ProcessorRecord, ProcessorError> {
        let look_up = |world: &World| match world.charge().state {
            ChargeState::Unknown => ProcessorRecord::Unknown,
            ChargeState::Held => ProcessorRecord::Decided(Outcome::Approved),
            ChargeState::Voided => ProcessorRecord::Voided,
        };
        self.0.call(look_up, |record| format!("{record:?}")).await.ok_or_else(processor_failed)
    }

    async fn void(&self, _: &PaymentId) -> Result<(), ProcessorError> {
        let void = |world: &World| world.charge().state = ChargeState::Voided;
        self.0.call(void, |()| "void".to_owned()).await.ok_or_else(processor_failed)
    }
}

/// Everything of a record that influences a process. Omits times, which differ between runs.
pub(crate) fn described(record: &PaymentRecord) -> String {
    let PaymentRecord { payment, lease, is_abandoned, steps, .. } = record;
    let mut text = format!("{} {is_abandoned} {}", payment.status, lease.holder.as_str());
    for step in steps {
        write!(text, " {}", step.key.as_str()).unwrap();
    }
    text
}
