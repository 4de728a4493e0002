//! Cancellation tokens that stop the parts of an environment.

use tokio_util::sync::CancellationToken;

/// One token for each part. Dropping this stops every part, also after a failed start.
#[derive(Default)]
pub(super) struct Stops {
    /// Stops the APIs and `/_local`.
    pub(super) gateway: CancellationToken,
    /// Makes event source mappings deliver without waiting for batching windows.
    pub(super) draining: CancellationToken,
    /// Stops the event source mappings.
    pub(super) mappings: CancellationToken,
    /// Stops the emulators and the Runtime API.
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
