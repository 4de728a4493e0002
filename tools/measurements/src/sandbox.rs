//! One process of a function, with only the environment variables it is given.

use std::ffi::OsString;
use std::fs::DirEntry;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::{Idle, RuntimeApi};

/// Maximum time until a process is idle. Under `valgrind` everything takes fifty times as long.
const UNTIL_IDLE_MAX: Duration = Duration::from_mins(10);

/// Tool that a process runs under.
#[derive(Debug, Clone, Copy)]
pub enum Instrument<'a> {
    /// No tool.
    None,
    /// `valgrind --tool=callgrind`, which writes its counts to this file when the process ends.
    Callgrind(&'a Path),
}

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    child: Child,
    /// Time just before its execution.
    pub begun: Instant,
}

/// Reason why a process did not become idle.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It could not be executed.
    #[error("cannot run {program}: {reason}")]
    NotRun {
        /// Path of the program.
        program: String,
        /// Error of the operating system.
        reason: io::Error,
    },
    /// It ended before it was idle.
    #[error("the process ended before it polled for more work ({status}):\n{said}")]
    Ended {
        /// Exit status.
        status: ExitStatus,
        /// Standard error.
        said: String,
    },
    /// It neither ended nor became idle in time.
    #[error("the process did not poll for more work within {} minutes", UNTIL_IDLE_MAX.as_secs() / 60)]
    Stuck,
    /// It could not be waited for.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Sandbox {
    /// Runs a binary with these arguments and this environment.
    pub fn start(
        binary: &Path,
        arguments: &[&str],
        environment: &[(&str, String)],
        instrument: Instrument<'_>,
    ) -> Result<Self, SandboxError> {
        let mut command = match instrument {
            Instrument::None => Command::new(binary),
            Instrument::Callgrind(counts) => {
                let mut command = Command::new("valgrind");
                let mut file = OsString::from("--callgrind-out-file=");
                file.push(counts);
                command.args(["--tool=callgrind", "--quiet"]).arg(file).arg(binary);
                command
            }
        };
        command.args(arguments).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        if let Instrument::Callgrind(_) = instrument {
            command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let begun = Instant::now();
        let child =
            command.spawn().map_err(|reason| SandboxError::NotRun { program: binary.display().to_string(), reason })?;
        Ok(Self { child, begun })
    }

    /// Waits until it polls for an event and none is left.
    pub async fn until_idle(self, api: &mut RuntimeApi) -> Result<(Self, Idle), SandboxError> {
        let Self { mut child, begun } = self;
        tokio::select! {
            biased;
            Some(idle) = api.idle() => return Ok((Self { child, begun }, idle)),
            _ = child.wait() => {}
            () = tokio::time::sleep(UNTIL_IDLE_MAX) => return Err(SandboxError::Stuck),
        }
        let Output { status, stderr, .. } = child.wait_with_output().await?;
        Err(SandboxError::Ended { status, said: String::from_utf8_lossy(&stderr).into_owned() })
    }

    /// Peak memory in KiB, from `/proc`.
    pub fn peak_kib(&self) -> Option<u32> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// Processor time of its threads in user and system mode, from `/proc`.
    pub fn processor(&self) -> Option<Duration> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()?)).ok()?;
        let on_processor_ns = |thread: io::Result<DirEntry>| -> Option<u64> {
            let statistics = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            statistics.split_whitespace().next()?.parse().ok()
        };
        threads.map(on_processor_ns).sum::<Option<u64>>().map(Duration::from_nanos)
    }

    /// Kills it, and waits until it has ended.
    pub async fn kill(mut self) -> io::Result<()> {
        self.child.kill().await
    }

    /// Responds that no event is left, and waits until it exits by itself.
    pub async fn end(self, idle: Idle) -> io::Result<()> {
        drop(idle);
        self.child.wait_with_output().await.map(|_| ())
    }
}
