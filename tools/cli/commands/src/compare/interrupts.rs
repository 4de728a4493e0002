//! Ctrl-C, once, twice and three times.

use paystream_comparison::Stopper;
use tokio::sync::watch;

use crate::tell;

/// The status of a process that Ctrl-C ended.
const ENDED: i32 = 130;

/// What was said by Ctrl-C: the first time no more orders come, and the scenario ends as it should; the second time what
/// runs is given up, and what was measured before is kept; the third one ends the process.
pub(super) struct Interrupts {
    /// Stopped by the first.
    pub(super) stopper: Stopper,
    given_up: watch::Receiver<bool>,
}

impl Interrupts {
    /// Listens from now on.
    pub(super) fn listen() -> Self {
        let stopper = Stopper::default();
        let (give_up, given_up) = watch::channel(false);
        let told = stopper.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                tell("stopping; what was measured is kept. Press Ctrl-C again to give up the scenario that runs");
                told.stop();
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                tell("giving up the scenario that runs. Press Ctrl-C again to end at once");
                give_up.send_replace(true);
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(ENDED);
            }
        });
        Self { stopper, given_up }
    }

    /// What comes of the work; nothing, once it is given up.
    pub(super) async fn unless_given_up<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut given_up = self.given_up.clone();
        tokio::select! {
            done = work => Some(done),
            Ok(_) = given_up.wait_for(|given_up| *given_up) => None,
        }
    }
}
