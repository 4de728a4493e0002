//! The projector: keeps Orders' own copy of payment info, settles the orders it pays for, and sets aside what it cannot
//! read.
//!
//! A batch is folded to the newest version of each payment and split into lanes by order, which run side by side. A record is
//! acknowledged once its payment is stored and its order settled, or once it is in quarantine; whatever else happens, it is
//! reported and comes again.

mod config;
mod entry;
mod metrics;
mod outcome;
mod projector;

pub use config::Config;
pub use projector::{LANES_AT_ONCE_MAX, Projector};
