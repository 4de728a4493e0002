//! The two ways to talk.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How Orders learns of the payments of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// From its own copy, which Payments' events keep.
    Asynchronous,
    /// By asking Payments, and waiting for the answer.
    Synchronous,
}

impl Mode {
    /// Both, in the order in which they are told.
    pub const BOTH: [Self; 2] = [Self::Asynchronous, Self::Synchronous];

    /// As it is told.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asynchronous => "asynchronous",
            Self::Synchronous => "synchronous",
        }
    }

    /// The function that takes orders in this mode, by its logical id.
    pub(crate) fn function(self) -> &'static str {
        match self {
            Self::Asynchronous => "OrderApi",
            Self::Synchronous => "SyncOrderApi",
        }
    }

    /// Where orders are placed in this mode.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Asynchronous => "/orders",
            Self::Synchronous => "/sync/orders",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
