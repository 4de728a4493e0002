//! Ways to misbehave.

use serde::{Deserialize, Serialize};

/// Misbehaviour in one request. Unless its documentation says otherwise, the request is processed first, so that only
/// the response is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Misbehaviour {
    /// Responds after this time, in milliseconds. If it is longer than the caller's timeout, the response is late.
    Slow {
        /// Delay in milliseconds.
        ms: u64,
    },
    /// Never responds, and keeps the connection open.
    Hang,
    /// Responds with this status.
    Status {
        /// HTTP status.
        status: u16,
        /// True if the request is processed first.
        #[serde(default)]
        processed: bool,
    },
    /// Responds 200 with this body.
    Body {
        /// Body, of any form.
        body: String,
    },
    /// Closes the connection within the body.
    Truncate,
    /// Responds with a body of a megabyte.
    Long,
    /// Resets the connection instead of responding.
    Reset {
        /// True if the request is processed first.
        #[serde(default)]
        processed: bool,
    },
    /// Redirects to this URL. Does not process the request.
    Redirect {
        /// URL to redirect to.
        location: String,
    },
    /// Processes the request twice, as if the network had duplicated it.
    Duplicate,
    /// Responds normally, then releases the charge and forgets its key.
    Forget,
    /// Accepts an authorization, and decides it after the first lookup.
    Pending,
}

impl Misbehaviour {
    /// Number of times that the request is processed.
    pub(crate) fn times_processed(&self) -> u8 {
        match self {
            Self::Status { processed: false, .. } | Self::Reset { processed: false } | Self::Redirect { .. } => 0,
            Self::Duplicate => 2,
            _ => 1,
        }
    }
}
