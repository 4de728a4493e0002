//! The event contract between Payments and Orders: the records of the `payment-events` stream.
//!
//! A record's data is one [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md)
//! object in JSON. Its partition key is the `order_id`, so that all events of an order are in one shard, in sequence.
//! Each event carries the **whole** payment and its `version` (event-carried state transfer). The newest version wins;
//! an older or equal one changes nothing. This alone makes duplicates, replays and reordering harmless. Each event also
//! says which [`Transition`] made its version, for consumers that act on changes.
//!
//! Payments encodes with [`PaymentEvent::encode`], which only produces valid events. Orders decodes with
//! [`PaymentEvent::decode`], which ignores unknown fields and names the field of any other mismatch.
//!
//! ```
//! use payment_events::{PaymentEvent, PaymentStatus};
//!
//! let record = include_bytes!("../golden/payment.captured.v1.json");
//! let event = PaymentEvent::decode(record)?;
//! assert_eq!(event.payment().status, PaymentStatus::Captured);
//! assert_eq!(event.partition_key(), "ord-42");
//! # Ok::<(), payment_events::DecodeError>(())
//! ```

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod event;
mod ids;
mod money;
mod payment_info;
mod schema;
mod text;
mod timestamp;
mod trace_parent;
mod transition;

pub use event::{DecodeError, PaymentEvent};
pub use ids::{InvalidOrderId, InvalidPaymentId, OrderId, PaymentId};
pub use money::{Currency, CurrencyNotInUse, InvalidMoney, Money};
pub use payment_info::{Decline, InvalidPaymentInfo, PaymentInfo, PaymentStatus};
pub use text::TextRule;
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use trace_parent::{InvalidTraceParent, TraceParent};
pub use transition::{Transition, TransitionAction, UnknownAction};
