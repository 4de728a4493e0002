//! One process of a function, and nothing in its environment but what it is given.

use std::ffi::OsString;
use std::fs::DirEntry;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::{Idle, RuntimeApi};

/// How long a process may take until it asks for work that there is not: under `valgrind` everything takes fifty times as long.
const UNTIL_IDLE_MAX: Duration = Duration::from_mins(10);

/// Tool that a process runs under.
#[derive(Debug, Clone, Copy)]
pub enum Instrument<'a> {
    /// None: the process runs by itself.
    None,
    /// `valgrind --tool=callgrind`, which writes what it counted to this file when the process ends.
    Callgrind(&'a Path),
}

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    child: Child,
    /// The moment before it was executed.
    pub begun: Instant,
}

/// Why a process did not come to ask for work.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It could not be executed.
    #[error("cannot run {program}: {reason}")]
    NotRun {
        /// What was to be run.
        program: String,
        /// What the operating system said.
        reason: io::Error,
    },
    /// It ended.
    #[error("the process ended before it asked for more work ({status}):\n{said}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// What it said on standard error.
        said: String,
    },
    /// It did neither.
    #[error("the process did not ask for more work within {} minutes", UNTIL_IDLE_MAX.as_secs() / 60)]
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

    /// Waits until it asks for work that there is not.
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

    /// The most memory it has had, in KiB, as Linux tells it.
    pub fn peak_kib(&self) -> Option<u32> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// How long its threads were on a processor, in user and in system mode, as Linux tells it.
    pub fn processor(&self) -> Option<Duration> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()?)).ok()?;
        let on_processor_ns = |thread: io::Result<DirEntry>| -> Option<u64> {
            let statistics = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            statistics.split_whitespace().next()?.parse().ok()
        };
        threads.map(on_processor_ns).sum::<Option<u64>>().map(Duration::from_nanos)
    }

    /// Kills it, and waits until it is gone.
    pub async fn kill(mut self) -> io::Result<()> {
        self.child.kill().await
    }

    /// Tells it that there is no more work, and waits until it has ended by itself.
    pub async fn end(self, idle: Idle) -> io::Result<()> {
        drop(idle);
        self.child.wait_with_output().await.map(|_| ())
    }
}
