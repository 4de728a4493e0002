//! Recovery of payments that their clients gave up while they were processing (guarantee 9).
//!
//! The function reads the payments table's change stream, filtered to the images of versions 0 and 1. The decision of
//! nearly every payment is in the same batch as its begin, so it costs neither a call nor a wait. Each payment whose newest
//! image in the batch is still processing is read, and decided when it is due: [`payments::RecoverPayment`].
//!
//! Payments that are not due are read again after a pause that doubles each time, until they are decided or due. The
//! batch is acknowledged only then. Waiting is asleep but billed: with 128 MB of memory, a strongly consistent read costs
//! as much as about 75 ms of it. So the first read is made at once, and not when the payment is due: at any load, the
//! last payments of a batch are in flight, and their decision arrives within a second.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod config;
mod invocation;
mod recoverer;

pub use config::Config;
pub use payment_changes::ChangeBatch;
pub use recoverer::Recoverer;
