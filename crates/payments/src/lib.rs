//! Payments: what a payment is, how it is accepted and made known. Knows no AWS and no HTTP.
//!
//! - [`Payment`]: the payment and its state machine.
//! - [`AcceptPayment`]: the use case behind `POST /payments`, made once however often it is asked for.
//! - [`Publication`]: makes a stored payment known, on the way out of `payment-api` and from `payment-relay`.
//! - Ports, one for each need: [`PaymentStore`], [`PaymentQueries`], [`Outbox`], [`PaymentProcessor`],
//!   [`EventPublisher`].

mod accept;
mod payment;
mod ports;
mod publication;
mod request;
mod simulator;
#[cfg(feature = "testing")]
pub mod testing;

pub use accept::{AcceptError, AcceptPayment, Accepted, LEASE_MS};
pub use payment::{IllegalTransition, Payment, Status};
pub use ports::{
    Authorization, Begun, EventPublisher, Lease, Outbox, Outcome, PaymentProcessor, PaymentQueries, PaymentRecord,
    PaymentStore, ProcessorError, PublishError, StoreError,
};
pub use publication::{Publication, Published};
pub use request::{
    Caller, Fingerprint, IdempotencyKey, InvalidIdempotencyKey, InvalidToken, PaymentRequest, PaymentToken,
};
pub use simulator::SimulatedProcessor;
