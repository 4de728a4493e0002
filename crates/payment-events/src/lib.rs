//! The contract between Payments and Orders: what a record on the `payment-events` stream holds.
//!
//! A record's data is one [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md)
//! object in JSON, and its partition key is the `order_id`, so that all that concerns one order is in one shard, in
//! order. Each event carries the **whole** payment and its `version`: the newest version wins, an older or equal one
//! changes nothing, and that alone makes duplicates, replays and reordering harmless.
//!
//! Payments encodes with [`PaymentEvent::encode`], which can only produce what the contract allows. Orders decodes
//! with [`PaymentEvent::decode`], which lets unknown fields pass and names whatever else it cannot accept.
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

mod event;
mod ids;
mod money;
mod payment_info;
mod schema;
mod text;
mod timestamp;
mod trace_parent;

pub use event::{DecodeError, PaymentEvent};
pub use ids::{InvalidOrderId, InvalidPaymentId, OrderId, PaymentId};
pub use money::{Currency, InvalidMoney, Money};
pub use payment_info::{Decline, InvalidPaymentInfo, PaymentInfo, PaymentStatus};
pub use text::TextRule;
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use trace_parent::{InvalidTraceParent, TraceParent};
