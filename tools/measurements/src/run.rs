//! One run of a function or its baseline: a process that handles a number of events, and its resource use.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::{Instrument, Load, RuntimeApi, Sandbox, SandboxError, Services};

/// Program that handles the events of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The function.
    Function,
    /// Its baseline.
    Floor,
    /// Its baseline with calls that are serialised and signed, but not sent.
    FloorUnsent,
}

/// Parameters of a run.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Path of the binary.
    pub binary: &'a Path,
    /// Function or baseline.
    pub part: Part,
    /// Events to handle.
    pub load: &'a Load,
    /// Number of events, after the small first one.
    pub events: usize,
    /// Tool that it runs under.
    pub instrument: Instrument<'a>,
    /// File for the services' certificate, to use TLS; `None` for plain HTTP.
    pub certificate: Option<&'a Path>,
}

/// Resource use of a process, from `/proc`; zero on other systems.
#[derive(Debug, Clone, Copy)]
pub struct ResourceUse {
    /// Peak memory in KiB.
    pub peak_kib: u32,
    /// Processor time, including the start.
    pub processor: Duration,
}

/// Reason why a run does not count.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A socket or process operation failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The process failed or hung.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A response did not report success.
    #[error("{binary} responded {answer}")]
    Answer {
        /// Path of the binary.
        binary: String,
        /// Response or error.
        answer: String,
    },
    /// The process did not make the expected calls, for example because of a retry.
    #[error("{binary} made the calls {called:?} instead of {expected:?}")]
    Calls {
        /// Path of the binary.
        binary: String,
        /// Calls made, by operation.
        called: BTreeMap<String, usize>,
        /// Calls expected, by operation.
        expected: BTreeMap<String, usize>,
    },
}

impl Run<'_> {
    /// Runs the process, and checks its responses and calls.
    ///
    /// # Errors
    /// If the process fails, or its responses or calls are not as expected.
    pub async fn once(&self) -> Result<ResourceUse, RunError> {
        let services = Services::start_over(self.certificate).await?;
        let mut api = RuntimeApi::start(self.load.events(self.events)).await?;
        let mut environment = self.load.function.environment(api.address(), services.url());
        environment.extend(services.trusted());
        let arguments = match self.part {
            Part::Function => &[][..],
            Part::Floor => &[self.load.floor],
            Part::FloorUnsent => &[self.load.floor, "unsent"],
        };
        let sandbox = Sandbox::start(self.binary, arguments, &environment, self.instrument)?;
        let (sandbox, idle) = sandbox.until_idle(&mut api).await?;
        let ran = ResourceUse {
            peak_kib: sandbox.peak_kib().unwrap_or_default(),
            processor: sandbox.processor().unwrap_or_default(),
        };
        sandbox.end(idle).await?;
        let binary = || self.binary.display().to_string();
        for answer in api.answers() {
            let is_right = answer.as_ref().is_ok_and(|answer| self.load.is_right(answer));
            if !is_right {
                let answer = answer.map_or_else(|error| error, |answer| String::from_utf8_lossy(&answer).into_owned());
                return Err(RunError::Answer { binary: binary(), answer });
            }
        }
        let expected = match self.part {
            Part::Function | Part::Floor => self.load.calls_of(self.events),
            Part::FloorUnsent => BTreeMap::new(),
        };
        let called = services.calls();
        if called != expected {
            return Err(RunError::Calls { binary: binary(), called, expected });
        }
        Ok(ran)
    }
}
