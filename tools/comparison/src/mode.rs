//! The two modes of placing an order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Source of payment info for an order's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Orders' read model, maintained from Payments' events.
    Asynchronous,
    /// A REST call to Payments.
    Synchronous,
}

impl Mode {
    /// Both modes, in the order of reports.
    pub const BOTH: [Self; 2] = [Self::Asynchronous, Self::Synchronous];

    /// Name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asynchronous => "asynchronous",
            Self::Synchronous => "synchronous",
        }
    }

    /// Logical id of the function that places orders in this mode.
    pub(crate) fn function(self) -> &'static str {
        match self {
            Self::Asynchronous => "OrderApi",
            Self::Synchronous => "SyncOrderApi",
        }
    }

    /// Path that orders are posted to.
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
