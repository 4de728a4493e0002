//! How a measurement ends.

use std::error::Error;
use std::process::ExitCode;

/// Says on standard error why there is no measurement, or none within its bounds, and what the process ends with.
#[expect(clippy::print_stderr, reason = "this is how a command line talks to its user")]
pub fn ended(measured: Result<(), Box<dyn Error>>) -> ExitCode {
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
