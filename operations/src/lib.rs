//! What it takes to operate Paystream. Knows both sides, which nothing that deploys may, and no command line.
//!
//! - [`Stack`]: the tables and the stream of one Paystream, wherever it runs.
//! - [`Comparison`]: Payments' truth held against Orders' copies, without a table.
//! - [`Reconcile`]: the same of a running stack, and its repair.

mod compare;
mod differences;
mod progress;
mod read;
mod reconcile;
mod republish;
mod stack;

pub use compare::{Comparison, Seen, Verdict, compare, verdict};
pub use differences::{Class, Copied, Difference, Digest, Truth, Unreadable, UnreadableSide};
pub use progress::{Progress, Watch, unwatched};
pub use read::{OperationError, OrdersSide};
pub use reconcile::{Reconcile, Reconciled};
pub use republish::{NotSent, SendReport, Sent};
pub use stack::{Endpoints, Names, Resource, Stack};
