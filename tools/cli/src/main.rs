//! The `paystream` command. `paystream up`, the default, runs the whole system on this machine. All other commands are
//! forwarded to the program `paystream-commands`.

mod arguments;
mod forward;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use paystream_up::{tell, without_credentials};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => return ended(print(&without_credentials(answer)), 2),
    };
    match arguments.command() {
        // The clients of other hubs are in `paystream-commands`.
        Command::Up(up) if up.hub_url.is_some() => ended(forward::run_up(), 1),
        Command::Up(up) => ended(paystream_up::run(up, None).await.map(|()| ExitCode::SUCCESS), 1),
        _ => ended(forward::run(), 2),
    }
}

/// Prints what clap answers instead of running a command: help and version to standard output, errors to standard error.
fn print(answer: &clap::Error) -> Result<ExitCode, String> {
    let printed = answer.print().and_then(|()| std::io::stdout().flush());
    printed.map_err(|error| format!("cannot write to standard output: {error}"))?;
    Ok(ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2)))
}

/// Returns the exit code of a command. An error is printed, and its exit code is `code`.
fn ended<E: std::fmt::Display>(result: Result<ExitCode, E>, code: u8) -> ExitCode {
    result.unwrap_or_else(|error| {
        tell(&format!("error: {error}"));
        ExitCode::from(code)
    })
}
