//! One run of a function, or of its floor: a process that is given events, does all that they ask for, and is looked at then.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::{Instrument, Load, RuntimeApi, Sandbox, SandboxError, Services};

/// What does what a load asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The function.
    Function,
    /// Its floor.
    Floor,
    /// Its floor, whose calls are signed and serialised and get their answers without being sent.
    FloorUnsent,
}

/// What is run.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The binary.
    pub binary: &'a Path,
    /// Which part it is.
    pub part: Part,
    /// What it is given.
    pub load: &'a Load,
    /// How many events, behind the first and small one.
    pub events: usize,
    /// Tool that it runs under.
    pub instrument: Instrument<'a>,
    /// Where services speak TLS, the file for their certificate.
    pub certificate: Option<&'a Path>,
}

/// What a process took. It is nothing where Linux does not tell.
#[derive(Debug, Clone, Copy)]
pub struct ResourceUse {
    /// The most memory that it had, in KiB.
    pub peak_kib: u32,
    /// The time it had on a processor, its start included.
    pub processor: Duration,
}

/// Why a run does not count.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing could listen or be waited for.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The process did not come to its end.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// It answered something else than that all was done.
    #[error("{binary} answered {answer}")]
    Answer {
        /// What was run.
        binary: String,
        /// What it said.
        answer: String,
    },
    /// It made other calls than what it was asked takes.
    #[error("{binary} made the calls {called:?} instead of {expected:?}")]
    Calls {
        /// What was run.
        binary: String,
        /// How many of each there were.
        called: BTreeMap<String, usize>,
        /// How many there should be.
        expected: BTreeMap<String, usize>,
    },
}

impl Run<'_> {
    /// Runs it, and makes sure that it did what there was to do.
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
