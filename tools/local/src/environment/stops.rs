//! The tokens that stop an environment, part by part.

use tokio_util::sync::CancellationToken;

/// One token for each part. Dropping them stops every part, also those of an environment that failed to start.
#[derive(Default)]
pub(super) struct Stops {
    /// The APIs and `/_local`.
    pub(super) gateway: CancellationToken,
    /// Event source mappings deliver what is written, without waiting for batching windows.
    pub(super) draining: CancellationToken,
    /// Event source mappings.
    pub(super) mappings: CancellationToken,
    /// The emulators and the Runtime API.
    pub(super) servers: CancellationToken,
}

impl Stops {
    pub(super) fn cancel_all(&self) {
        for token in [&self.gateway, &self.mappings, &self.servers] {
            token.cancel();
        }
    }
}

impl Drop for Stops {
    fn drop(&mut self) {
        self.cancel_all();
    }
}
