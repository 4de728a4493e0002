//! The outbox relay, which publishes payments from the payments table's change stream: those that a direct publish did
//! not, or all of them.
//!
//! A batch contains every state of its payments. The relay folds it to the newest state of each payment, which has the
//! steps of all versions, from which their events are rebuilt. In `direct` mode it publishes the versions after the
//! payment's outbox position, in order, and raises the position. In `stream` mode there is no direct publish: the relay
//! publishes every version that the batch made, and the stream's checkpoint is the position.
//!
//! An image that cannot be decoded is stored in Payments' quarantine table and acknowledged, so that it does not hold up
//! other payments. So is the newest image of a payment with a version that the hub can never accept. After a fix,
//! `paystream quarantine redrive` publishes the payment from the table.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod due;
mod image;
mod relay;

pub use payment_changes::ChangeBatch;
pub use relay::{Relay, RelayMode};
