//! Payments' domain, use cases and ports. Independent of AWS and HTTP.
//!
//! - [`Payment`]: the payment and its state machine.
//! - [`AcceptPayment`]: the use case behind `POST /payments`, idempotent per caller and idempotency key.
//! - [`RecoverPayment`]: decides a payment that its client gave up while it was processing.
//! - [`ChangePayment`]: the use case behind capture, void and refund, idempotent and with optimistic concurrency.
//! - [`Access`]: the payments that a caller may read and change.
//! - [`PaymentRecord`]: the stored form of a payment, with every step that it took and every [`Refusal`] of one.
//! - [`Publication`]: publishes a stored payment from its outbox position, directly from `payment-api` and again from
//!   `payment-relay`.
//! - [`StreamPublication`]: publishes the payments of the change stream, from `payment-relay` alone.
//! - Ports, one per need: [`PaymentStore`], [`PaymentQueries`], [`Outbox`], [`PaymentProcessor`], [`EventPublisher`].

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod accept;
mod access;
mod change;
mod decision;
mod idempotency_key;
mod payment;
mod payment_token;
mod ports;
mod publication;
mod record;
mod recover;
mod refusal;
mod request;
mod rounds;
mod simulator;
mod stream_publication;
#[cfg(feature = "testing")]
pub mod testing;
mod versions;

pub use accept::{AcceptError, AcceptPayment, Accepted};
pub use access::{Access, Caller};
pub use change::{ChangeError, ChangePayment, Changed};
pub use idempotency_key::{IdempotencyKey, InvalidIdempotencyKey};
pub use payment::{Action, Change, IllegalTransition, Outcome, Payment, Status};
pub use payment_token::{InvalidToken, PaymentToken};
pub use ports::{
    Authorization, Begun, EventPublisher, Outbox, PAGE_MAX, PaymentProcessor, PaymentQueries, PaymentStore,
    PaymentsPage, ProcessorError, ProcessorRecord, PublishError, Replaced, StoreError,
};
pub use publication::{Publication, PublishMode, PublishModeName, Published, Rejection, UnknownPublishMode};
pub use record::{Bound, KeyReused, Lease, PaymentRecord, RebuildError, STEPS_MAX, Step, StepError};
pub use recover::{RecoverError, RecoverPayment, Recovery};
pub use refusal::{REFUSALS_MAX, Refusal};
pub use request::{ChangeRequest, Fingerprint, PaymentRequest, RequestKey};
pub use rounds::RebuiltPayment;
pub use simulator::{SimulatedCharge, SimulatedCharges, SimulatedProcessor};
pub use stream_publication::{PaymentChanges, RecordAge, StreamPublication};
pub use versions::{Preconditions, Versions};
