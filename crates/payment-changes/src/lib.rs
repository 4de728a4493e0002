//! Batches of the payments table's change stream, for the functions that read it.
//!
//! - [`fold`] reduces a batch to the newest decodable image of each payment.
//! - [`quarantined`] makes the quarantine record of an image that a function cannot process.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod fold;
mod image;

use serde_json::value::RawValue;
use stream_batch::DynamoDbEvent;

pub use fold::{Changes, Folded, fold};
pub use image::{Image, quarantined};

/// Invocation event of a function. Images are decoded one by one, so that an undecodable one does not affect the others.
pub type ChangeBatch = DynamoDbEvent<Box<RawValue>>;
