//! `paystream up`: runs the whole system on this machine.
//!
//! The `paystream` program runs it with the embedded Kinesis. `paystream-commands` runs it over a hub outside the process,
//! because `cargo run` does not build the clients of hubs.

mod credentials;
mod options;
mod up;

pub use credentials::without_credentials;
pub use options::Up;
pub use up::{UpError, run};

/// Prints a message to standard error; results go to standard output.
#[expect(clippy::print_stderr, reason = "this is how a command line talks to its user")]
pub fn tell(message: &str) {
    eprintln!("{message}");
}
