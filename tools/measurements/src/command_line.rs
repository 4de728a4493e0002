//! Command line of the benchmarks.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of every benchmark.
#[derive(Debug, clap::Args)]
pub struct BenchArguments {
    /// Measures the functions in this folder, `<logical id>/bootstrap` each, instead of building them.
    #[arg(long, value_name = "DIR")]
    pub binaries: Option<PathBuf>,
    /// Set by cargo for every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Prints an error to standard error, and returns the exit code.
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
