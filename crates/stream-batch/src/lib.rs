//! Order-safe processing of the batches that Lambda reads from a Kinesis or DynamoDB stream.
//!
//! Lambda hands a function a batch of one shard's records, in order, and takes back the sequence numbers of those that
//! failed (`ReportBatchItemFailures`). It then checkpoints before the **lowest** of them and delivers that record and
//! all after it again. So a consumer that skips a failed record and goes on with the same key reorders that key, one
//! that reports nothing loses the record, and one that stops altogether lets one bad record hold up every key.
//!
//! This crate keeps the promise in between. Records of one key form a **lane**. Lanes run side by side, as many at once
//! as [`Limits::lanes_at_once_max`] says. Each lane is handled in order and stops at its first failure, and the
//! [`BatchResponse`] reports the first record of each lane that was not handled. Whatever happens, each record is then
//! handled, or is at or after a number that is reported, and so comes again.
//!
//! Nothing is begun that time is too short for: before each lane [`Limits::may_begin`] is asked, and what is not begun is
//! reported.
//!
//! Records that come again after a report may have been handled before: handling must be safe to repeat.
//!
//! ```
//! use std::cell::RefCell;
//! use stream_batch::{Limits, Record, process_records};
//!
//! # futures::executor::block_on(async {
//! let record = |key: &str, sequence_number: &str, payload: u32| {
//!     Record { key: key.to_owned(), sequence_number: sequence_number.to_owned(), payload }
//! };
//! let batch = [record("a", "101", 1), record("b", "102", 2), record("a", "103", 3), record("b", "104", 4)];
//! let handled = RefCell::new(Vec::new());
//! let limits = Limits { lanes_at_once_max: 16, may_begin: || true };
//! let response = process_records(batch, &limits, async |_key: &String, payload: u32| {
//!     if payload == 2 {
//!         return Err("the database did not answer");
//!     }
//!     handled.borrow_mut().push(payload);
//!     Ok(())
//! })
//! .await;
//! // Key b stopped at its first record and key a went on.
//! assert_eq!(handled.into_inner(), [1, 3]);
//! assert_eq!(serde_json::to_string(&response)?, r#"{"batchItemFailures":[{"itemIdentifier":"102"}]}"#);
//! # Ok::<(), serde_json::Error>(())
//! # })?;
//! # Ok::<(), serde_json::Error>(())
//! ```

mod deadline;
mod lanes;
mod response;

pub use deadline::before;
pub use lanes::{Limits, Progress, Record, process_lanes, process_records};
pub use response::{BatchItemFailure, BatchResponse};
