//! Payments: what a payment is, how it is accepted and made known. Knows no AWS and no HTTP.
//!
//! - [`Payment`]: the payment and its state machine.
//! - [`AcceptPayment`]: the use case behind `POST /payments`, made once however often it is asked for.
//! - [`ChangePayment`]: the use case behind capture, void and refund, each done once on the version it was decided on.
//! - [`PaymentRecord`]: what is stored of a payment, with every step that made it what it is.
//! - [`Publication`]: makes a stored payment known, on the way out of `payment-api` and from `payment-relay`.
//! - Ports, one for each need: [`PaymentStore`], [`PaymentQueries`], [`Outbox`], [`PaymentProcessor`],
//!   [`EventPublisher`].

mod accept;
mod change;
mod idempotency_key;
mod payment;
mod payment_token;
mod ports;
mod publication;
mod record;
mod request;
mod simulator;
#[cfg(feature = "testing")]
pub mod testing;

pub use accept::{AcceptError, AcceptPayment, Accepted};
pub use change::{ChangeError, ChangePayment, Changed};
pub use idempotency_key::{IdempotencyKey, InvalidIdempotencyKey};
pub use payment::{Action, Change, IllegalTransition, Outcome, Payment, Status};
pub use payment_token::{InvalidToken, PaymentToken};
pub use ports::{
    Authorization, Begun, EventPublisher, Outbox, PaymentProcessor, PaymentQueries, PaymentStore, ProcessorError,
    PublishError, Replaced, StoreError,
};
pub use publication::{Publication, Published};
pub use record::{Lease, PaymentRecord, STEPS_MAX, Step, StepError};
pub use request::{Caller, ChangeRequest, Fingerprint, PaymentRequest, RequestKey};
pub use simulator::SimulatedProcessor;
