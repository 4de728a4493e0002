//! The `paystream` command. `paystream up`, the default, runs the whole system on this machine. All other commands are
//! forwarded to the program `paystream-commands`.

mod arguments;
mod forward;
mod up;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match Arguments::parse().command() {
        Command::Up(up) => ended(up::run(up).await.map(|()| ExitCode::SUCCESS), 1),
        _ => ended(forward::run(), 2),
    }
}

/// Returns the exit code of a command. An error is printed, and its exit code is `code`.
fn ended<E: std::fmt::Display>(result: Result<ExitCode, E>, code: u8) -> ExitCode {
    result.unwrap_or_else(|error| {
        tell(&format!("error: {error}"));
        ExitCode::from(code)
    })
}

/// Prints a message to standard error; results go to standard output.
#[expect(clippy::print_stderr, reason = "this is how a command line talks to its user")]
fn tell(message: &str) {
    eprintln!("{message}");
}
