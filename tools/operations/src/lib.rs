//! What it takes to operate Paystream. Knows both sides, which nothing that deploys may, and no command line.
//!
//! - [`Stack`]: the tables and the stream of one Paystream, wherever it runs.
//! - [`CopyComparison`]: Payments' truth held against Orders' copies, without a table.
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
pub use compare::{Compared, ComparedCounts, CopyComparison, Verdict, compare, verdict};
pub use differences::{CopyState, Difference, DifferenceClass, Digest, Truth, Unreadable, UnreadableSide};
pub use progress::{OperationProgress, Watch, unwatched};
pub use read::{OperationError, OrdersSide, PaymentsSide};
pub use reconcile::{Reconcile, Reconciled};
pub use replay::{Replay, Replayed};
pub use republish::{NotSent, SendReport, SentPayment};
pub use stack::{Endpoints, Names, Resource, Stack};
