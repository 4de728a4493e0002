//! Shared parts of the measurements: binaries, sandboxes, stand-ins for services, and loads.
//!
//! A function is measured as deployed: its release binary with the variables of the template, invoked over the Lambda
//! Runtime API. The stand-ins for services always give the same responses, so that two runs differ only in the
//! function.

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
pub use functions::{FUNCTIONS, Function, HUB_RELAYS, HubRelay};
pub use loads::{LOADS, Load};
pub use machine::machine;
pub use run::{Part, ResourceUse, Run, RunError};
pub use runtime_api::{Idle, RuntimeApi};
pub use sandbox::{Instrument, Sandbox, SandboxError};
pub use services::Services;
