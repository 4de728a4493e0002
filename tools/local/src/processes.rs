//! Registry of sandbox processes. A process can be killed by its sandbox id from start to exit, also during init,
//! before it is in a pool.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

/// Running processes by sandbox id.
#[derive(Clone, Default)]
pub(crate) struct Processes(Arc<Mutex<HashMap<String, Process>>>);

/// Handle of one process: requests a kill and reports the exit.
#[derive(Clone)]
pub(crate) struct Process {
    kill: Arc<Notify>,
    /// Exit status as text, once the process has exited.
    ended: watch::Sender<Option<String>>,
}

impl Processes {
    /// Registers a process that is about to start.
    pub(crate) fn add(&self, sandbox: &str) -> Process {
        let process = Process { kill: Arc::default(), ended: watch::Sender::new(None) };
        self.0.lock().insert(sandbox.to_owned(), process.clone());
        process
    }

    /// Records that a process has exited, with its exit status as text.
    pub(crate) fn remove(&self, sandbox: &str, how: String) {
        if let Some(process) = self.0.lock().remove(sandbox) {
            process.ended.send_replace(Some(how));
        }
    }

    /// Kills the process of a sandbox and waits until it has exited.
    pub(crate) async fn kill(&self, sandbox: &str) {
        let process = self.0.lock().get(sandbox).cloned();
        // A process that is not registered has already exited.
        if let Some(process) = process {
            process.kill();
            process.until_ended().await;
        }
    }
}

impl Process {
    /// Requests a SIGKILL; does not wait.
    pub(crate) fn kill(&self) {
        self.kill.notify_one();
    }

    /// Completes when a kill is requested. Only the task that watches the process may wait here.
    pub(crate) async fn until_killed(&self) {
        self.kill.notified().await;
    }

    /// Returns the exit status as text if the process has exited.
    pub(crate) fn has_ended(&self) -> Option<String> {
        self.ended.borrow().clone()
    }

    /// Waits for the process to exit and returns its exit status as text.
    pub(crate) async fn until_ended(&self) -> String {
        let mut ended = self.ended.subscribe();
        match ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => "its watcher ended first".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn killing_a_process_waits_until_it_has_exited() {
        let processes = Processes::default();
        let process = processes.add("sandbox");
        let mut killing = pin!(processes.kill("sandbox"));
        tokio::select! {
            biased;
            () = &mut killing => panic!("kill did not wait"),
            () = process.until_killed() => {}
        }
        tokio::select! {
            biased;
            () = &mut killing => panic!("kill returned before the process exited"),
            () = std::future::ready(()) => processes.remove("sandbox", "signal: 9".to_owned()),
        }
        killing.await;
        assert_eq!(process.has_ended().as_deref(), Some("signal: 9"));
        processes.kill("sandbox").await;
    }
}
