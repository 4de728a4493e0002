//! The projector: stores payment events in the read model of Orders, settles the orders they pay for, and quarantines
//! undecodable records.
//!
//! A batch is folded to the newest version of each payment and split into concurrent lanes by order. A record is
//! acknowledged after its payment is stored and its order settled, or after it is quarantined. In all other cases it is
//! reported and redelivered.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod config;
mod entry;
mod metrics;
mod outcome;
mod projector;
mod record;

pub use config::Config;
pub use projector::{LANES_AT_ONCE_MAX, Projector};
