//! What the measurements share: the binaries that deploy, what they run in, and what they are asked to do.
//!
//! A function is measured as it is: its release binary, started with the variables of the template, asked over the Lambda
//! Runtime API, and answered by services that give the same answers every time. So what differs between two runs is the
//! function alone.

mod binaries;
mod callgrind;
mod command_line;
mod events;
mod functions;
mod loads;
mod machine;
mod run;
mod runtime_api;
mod sandbox;
mod services;
mod serving;
mod tls;

pub use binaries::{Binaries, BuildError, FLOORS, HELLO_WORLD, given};
pub use callgrind::{CallgrindError, instructions, valgrind};
pub use command_line::{BenchArguments, ended};
pub use functions::{FUNCTIONS, Function};
pub use loads::{LARGER_CALLS, LOADS, Load};
pub use machine::machine;
pub use run::{Part, ResourceUse, Run, RunError};
pub use runtime_api::{Idle, RuntimeApi};
pub use sandbox::{Instrument, Sandbox, SandboxError};
pub use services::Services;
