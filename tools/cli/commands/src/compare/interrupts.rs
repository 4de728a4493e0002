//! Ctrl-C, once, twice and three times.

use tokio_util::sync::CancellationToken;

use crate::tell;

/// The status of a process that Ctrl-C ended.
const ENDED: i32 = 130;

/// Effects of Ctrl-C. The first stops the orders, and the scenario ends as it should. The second aborts the running
/// scenario, and what was measured before is kept. The third ends the process.
pub(super) struct Interrupts {
    /// Cancelled by the first Ctrl-C.
    pub(super) stop: CancellationToken,
    /// Cancelled by the second Ctrl-C.
    abort: CancellationToken,
}

impl Interrupts {
    /// Listens from now on.
    pub(super) fn listen() -> Self {
        let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
        let (stopped, aborted) = (stop.clone(), abort.clone());
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                tell("stopping; what was measured is kept. Press Ctrl-C again to give up the scenario that runs");
                stopped.cancel();
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                tell("giving up the scenario that runs. Press Ctrl-C again to end at once");
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
