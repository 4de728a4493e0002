//! The outbox relay, which publishes the payments that a direct publish did not, from the payments table's change
//! stream.
//!
//! A batch contains every state of its payments. The relay folds it to the newest state of each payment, publishes the
//! versions after its outbox position, in order, and raises the position. The newest state has the steps of all versions,
//! from which their events are rebuilt.
//!
//! An image that cannot be decoded is stored in Payments' quarantine table and acknowledged, so that it does not hold up
//! other payments. After a fix, `paystream quarantine redrive` publishes the payment from the table.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod config;
mod fold;
mod relay;
mod unreadable;

pub use config::Config;
pub use relay::{ChangeBatch, Relay};
