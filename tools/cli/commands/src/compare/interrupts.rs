//! Handling of repeated Ctrl-C.

use tokio_util::sync::CancellationToken;

use crate::tell;

/// Exit code of a process ended by Ctrl-C: 128 + SIGINT.
const ENDED: i32 = 130;

/// Effects of Ctrl-C. The first stops placing orders, and the running scenario completes. The second aborts the running
/// scenario; results of earlier ones are kept. The third ends the process.
pub(super) struct Interrupts {
    /// Cancelled by the first Ctrl-C.
    pub(super) stop: CancellationToken,
    /// Cancelled by the second Ctrl-C.
    abort: CancellationToken,
}

impl Interrupts {
    /// Starts listening for Ctrl-C.
    pub(super) fn listen() -> Self {
        let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
        let (stopped, aborted) = (stop.clone(), abort.clone());
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                tell("stopping; results are kept. Press Ctrl-C again to abort the running scenario");
                stopped.cancel();
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                tell("aborting the running scenario. Press Ctrl-C again to exit immediately");
                aborted.cancel();
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(ENDED);
            }
        });
        Self { stop, abort }
    }

    /// Returns the output of `work`, or `None` once it is aborted.
    pub(super) async fn unless_aborted<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.abort.run_until_cancelled(work).await
    }
}
