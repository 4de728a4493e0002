//! The processes of sandboxes: from the moment they are there until they are gone, they can be killed by their sandbox's
//! id, also while they initialise and no pool knows them yet.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

/// Every process that is there, by the id of its sandbox.
#[derive(Clone, Default)]
pub(crate) struct Processes(Arc<Mutex<HashMap<String, Process>>>);

/// One process.
#[derive(Clone)]
pub(crate) struct Process {
    kill: Arc<Notify>,
    /// How it ended, once it has.
    ended: watch::Sender<Option<String>>,
}

impl Processes {
    /// A process that is about to start.
    pub(crate) fn add(&self, sandbox: &str) -> Process {
        let process = Process { kill: Arc::default(), ended: watch::Sender::new(None) };
        self.0.lock().insert(sandbox.to_owned(), process.clone());
        process
    }

    /// It has ended, and how.
    pub(crate) fn remove(&self, sandbox: &str, how: String) {
        if let Some(process) = self.0.lock().remove(sandbox) {
            process.ended.send_replace(Some(how));
        }
    }

    /// Kills the process of a sandbox, and waits until it is gone.
    pub(crate) async fn kill(&self, sandbox: &str) {
        let process = self.0.lock().get(sandbox).cloned();
        // One that is not there any more is gone already.
        if let Some(process) = process {
            process.kill();
            process.until_ended().await;
        }
    }
}

impl Process {
    /// SIGKILL: nothing of the function gets to run any more.
    pub(crate) fn kill(&self) {
        self.kill.notify_one();
    }

    /// Ends when it is to be killed. For the one task that sees to the process.
    pub(crate) async fn until_killed(&self) {
        self.kill.notified().await;
    }

    /// How it ended, once it has.
    pub(crate) fn has_ended(&self) -> Option<String> {
        self.ended.borrow().clone()
    }

    /// Ends when the process has, and says how.
    pub(crate) async fn until_ended(&self) -> String {
        let mut ended = self.ended.subscribe();
        match ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => "nobody watches it any more".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn killing_a_process_waits_until_it_is_gone() {
        let processes = Processes::default();
        let process = processes.add("sandbox");
        let mut killing = pin!(processes.kill("sandbox"));
        tokio::select! {
            biased;
            () = &mut killing => panic!("it did not wait"),
            () = process.until_killed() => {}
        }
        tokio::select! {
            biased;
            () = &mut killing => panic!("it is not gone yet"),
            () = std::future::ready(()) => processes.remove("sandbox", "signal: 9".to_owned()),
        }
        killing.await;
        assert_eq!(process.has_ended().as_deref(), Some("signal: 9"));
        processes.kill("sandbox").await;
    }
}
