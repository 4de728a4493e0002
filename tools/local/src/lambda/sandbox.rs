//! Sandboxes: processes of a function, each of which runs one invocation at a time.

use std::collections::VecDeque;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::invocation::{Invocation, InvokeError, Reply};
use super::runtime_api::{Channel, RuntimeApi};
use super::{SandboxContext, variables};
use crate::faults::Caller;
use crate::hub_proxy::OpenEntrance;
use crate::log::LogSink;
use crate::processes::{Process, Processes};
use crate::template::FunctionSpec;

/// Limit of an init, as on Lambda.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time to wait for the remaining output of a process after its exit. Its pipes stay open as long as a child process
/// has them.
const OUTPUT_TIMEOUT: Duration = Duration::from_millis(200);
/// Number of the last lines of standard error that an init error contains.
const TAIL_LINES: usize = 5;
/// Longer lines of output are split.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// A started process and the channel for its invocations.
pub(super) struct Sandbox {
    pub(super) id: String,
    pub(super) process: Process,
    invocations: mpsc::Sender<Invocation>,
}

/// Outcome of an invocation in a sandbox.
pub(super) enum SandboxOutcome {
    Response(Bytes),
    Failed(InvokeError),
    /// The process exited before it received the invocation, which can be sent to another sandbox. Holds the exit
    /// status.
    NotReceived(String),
}

impl Sandbox {
    /// Starts the function's binary and waits until it requests its first invocation.
    pub(super) async fn start(
        id: String,
        binary: &Path,
        spec: &FunctionSpec,
        context: &SandboxContext,
        api: &RuntimeApi,
    ) -> Result<Self, InvokeError> {
        let mut variables = variables::of(spec, &context.endpoints, &api.endpoint(&id), &id);
        let entrance = context.hub.as_ref().map(|hub| hub.open(Caller::of_sandbox(&spec.logical_id, &id))).transpose();
        let entrance = entrance.map_err(|error| InvokeError::Init(format!("no port for the fault proxy: {error}")))?;
        if let (Some(hub), Some(entrance)) = (&context.hub, &entrance) {
            hub.replace_addresses(&mut variables, entrance);
        }
        let mut command = Command::new(binary);
        command.env_clear().envs(variables).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Keeps Ctrl-C in the terminal from the sandbox: the environment stops its sandboxes gracefully.
        #[cfg(unix)]
        command.process_group(0);
        // Register before the spawn: the process may request an invocation or be killed before this task continues.
        let (channel, invocations) = api.open(&id);
        let process = context.processes.add(&id);
        let child = command.spawn().map_err(|error| {
            api.close(&id);
            context.processes.remove(&id, error.to_string());
            InvokeError::Init(format!("cannot run {}: {error}", binary.display()))
        })?;
        let tail = Tail::default();
        let watcher = Watcher {
            id: id.clone(),
            tag: spec.binary.clone(),
            tail: tail.clone(),
            process: process.clone(),
            processes: context.processes.clone(),
            _entrance: entrance,
        };
        tokio::spawn(watcher.watch(child, api.clone(), context.log.clone()));
        let sandbox = Self { id, process, invocations };
        sandbox.wait_until_ready(&channel, &tail).await?;
        Ok(sandbox)
    }

    async fn wait_until_ready(&self, channel: &Channel, tail: &Tail) -> Result<(), InvokeError> {
        let mut is_ready = channel.is_ready();
        let reason = tokio::select! {
            biased;
            _ = is_ready.wait_for(|ready| *ready) => return Ok(()),
            how = self.process.until_ended() => format!("the process exited before it requested an invocation: {how}"),
            () = tokio::time::sleep(INIT_TIMEOUT) => {
                self.process.kill();
                format!("the process did not request an invocation within {} seconds", INIT_TIMEOUT.as_secs())
            }
        };
        let details = channel.init_error().into_iter().chain(tail.text());
        Err(InvokeError::Init(details.fold(reason, |reason, more| format!("{reason}; {more}"))))
    }

    /// Runs one invocation. After a timeout the process is killed, as on Lambda.
    pub(super) async fn invoke(&self, payload: Bytes, timeout: Duration, function_arn: Arc<str>) -> SandboxOutcome {
        let (invocation, mut answer) = Invocation::new(payload, timeout, function_arn);
        let is_received = Arc::clone(&invocation.is_received);
        // Sending fails only if the Runtime API has closed the channel, and then the process ends too.
        let _ = self.invocations.send(invocation).await;
        tokio::select! {
            biased;
            Ok(reply) = &mut answer => match reply {
                Reply::Response(body) => SandboxOutcome::Response(body),
                Reply::Error { error_type, message } => SandboxOutcome::Failed(InvokeError::Function { error_type, message }),
            },
            how = self.process.until_ended() => {
                if is_received.load(Ordering::SeqCst) { SandboxOutcome::Failed(InvokeError::Exited(how)) } else { SandboxOutcome::NotReceived(how) }
            }
            () = tokio::time::sleep(timeout) => {
                self.process.kill();
                SandboxOutcome::Failed(InvokeError::TimedOut(timeout))
            }
        }
    }
}

/// Watches a process until it exits.
struct Watcher {
    id: String,
    tag: String,
    tail: Tail,
    process: Process,
    processes: Processes,
    /// The process's way to the broker, which is open as long as the process runs.
    _entrance: Option<OpenEntrance>,
}

impl Watcher {
    async fn watch(self, mut child: Child, api: RuntimeApi, log: LogSink) {
        let out = child.stdout.take().map(|out| tokio::spawn(forward_output(out, log.clone(), self.tag.clone(), None)));
        let tail = Some(self.tail.clone());
        let err = child.stderr.take().map(|err| tokio::spawn(forward_output(err, log.clone(), self.tag.clone(), tail)));
        let status = tokio::select! {
            status = child.wait() => status,
            () = self.process.until_killed() => {
                // Killing fails if the process has already exited.
                let _ = child.start_kill();
                child.wait().await
            }
        };
        for output in [out, err].into_iter().flatten() {
            let _ = tokio::time::timeout(OUTPUT_TIMEOUT, output).await;
        }
        api.close(&self.id);
        let how = status.map_or_else(|error| error.to_string(), |status: ExitStatus| status.to_string());
        self.processes.remove(&self.id, how);
    }
}

/// Last lines of a process on standard error.
#[derive(Clone, Default)]
struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    fn push(&self, line: &str) {
        let mut lines = self.0.lock();
        if lines.len() == TAIL_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    fn text(&self) -> Option<String> {
        let lines = self.0.lock();
        let text = lines.iter().map(String::as_str).collect::<Vec<_>>().join(" | ");
        (!text.is_empty()).then_some(text)
    }
}

/// Forwards output to the log, line by line.
async fn forward_output(output: impl AsyncRead + Unpin, log: LogSink, tag: String, tail: Option<Tail>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if !text.is_empty() {
            log.function(&tag, text);
            if let Some(tail) = &tail {
                tail.push(text);
            }
        }
    }
}
