//! What it takes to operate Paystream. Knows both sides, which nothing that deploys may, and no command line.
//!
//! - [`Stack`]: the tables and the stream of one Paystream, wherever it runs.
//! - [`Comparison`]: Payments' truth held against Orders' copies, without a table.
//! - [`Reconcile`]: the same of a running stack, and its repair.
//! - [`Replay`]: everything that is stored, published once more.
//! - [`quarantine`]: what Orders could not read, sent once more.
//! - [`failures`]: what event source mappings gave up on, sent once more.

mod aws;
mod compare;
mod differences;
pub mod failures;
mod progress;
pub mod quarantine;
mod read;
mod reconcile;
mod replay;
mod republish;
mod stack;

/// Of Orders' tables.
pub use orders::{QuarantinedRecord, StoreError};
pub use orders_aws::{RecordId, RecordSummary};

pub use aws::aws_of_operator;
pub use compare::{Comparison, Seen, Verdict, compare, verdict};
pub use differences::{Class, Copied, Difference, Digest, Truth, Unreadable, UnreadableSide};
pub use progress::{Progress, Watch, unwatched};
pub use read::{OperationError, OrdersSide};
pub use reconcile::{Reconcile, Reconciled};
pub use replay::{Replay, Replayed};
pub use republish::{NotSent, SendReport, Sent};
pub use stack::{Endpoints, Names, Resource, Stack};
