//! The `paystream` command. Without a subcommand it is `paystream up`: the whole system on this machine.

mod arguments;
mod chaos;
mod compare;
mod failures;
mod output;
mod progress;
mod quarantine;
mod reconcile;
mod replay;
mod target;
mod up;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command() {
        Command::Up(up) => return ended(up::run(up).await.map(|()| ExitCode::SUCCESS), 1),
        Command::Chaos(arguments) => return ended(chaos::run(arguments).await, 2),
        Command::Compare(arguments) => return ended(compare::run(arguments).await, 2),
        Command::Reconcile(arguments) => reconcile::run(arguments).await,
        Command::Replay(arguments) => replay::run(arguments).await,
        Command::Quarantine { command } => quarantine::run(command).await,
        Command::Failures { command } => failures::run(command).await,
    };
    // 1 is for what they found, so that a script can tell it from not having found anything out.
    ended(result, 2)
}

/// Tells what went wrong, if anything, and ends with that code.
fn ended<E: std::fmt::Display>(result: Result<ExitCode, E>, code: u8) -> ExitCode {
    result.unwrap_or_else(|error| {
        tell(&format!("error: {error}"));
        ExitCode::from(code)
    })
}

/// Tells the user something that is not the result.
#[expect(clippy::print_stderr, reason = "this is how a command line talks to its user")]
fn tell(message: &str) {
    eprintln!("{message}");
}
