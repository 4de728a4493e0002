//! Operator tasks behind the `paystream` commands. Knows both services, which no deployed crate may; has no command
//! line.
//!
//! - [`Stack`]: the tables and the hub of one system, local or on AWS.
//! - [`CopyComparison`]: comparison of payments with Orders' copies, without I/O.
//! - [`Reconcile`]: the same comparison on a running stack, with repair.
//! - [`Replay`]: publishes stored payments again.
//! - [`quarantine`]: redrive of quarantined records and images.
//! - [`failures`]: batches in the on-failure destination, and their redrive.
//! - [`doctor`]: conditions of the configuration that would lose, reorder or stop something.

mod ahead;
mod aws;
mod compare;
mod differences;
pub mod doctor;
pub mod failures;
mod hub;
mod images;
mod order_differences;
mod outcome;
mod progress;
pub mod quarantine;
mod read;
mod reconcile;
mod repair;
mod replay;
mod republish;
mod stack;
mod undecided;

pub use ::quarantine::{QuarantineError, QuarantinedRecord, RecordId, RecordSummary};
/// Types of Orders' tables that this crate's API uses.
pub use orders::StoreError;

pub use aws::aws_of_operator;
pub use compare::{Compared, ComparedCounts, CopyComparison, Verdict, compare, verdict};
pub use differences::{CopyState, Difference, DifferenceClass, Digest, Truth, Unreadable, UnreadableSide};
pub use hub::{HubAccess, HubError, StackHub, UnknownHub, open_secrets};
pub use order_differences::{OrderCounts, OrderDifference, OrderDifferenceClass, OrderVerdict, order_verdict};
pub use outcome::{RecordOutcome, RedrivenRecord};
pub use progress::{OperationProgress, Watch, unwatched};
pub use read::{OperationError, OrdersSide, PaymentsSide};
pub use reconcile::{Reconcile, Reconciled};
pub use repair::RepairReport;
pub use replay::{Replay, Replayed};
pub use republish::{NotSent, SendReport, SentPayment};
pub use stack::{Endpoints, Names, Resource, Stack};
pub use undecided::UNDECIDED_AFTER_MS;
