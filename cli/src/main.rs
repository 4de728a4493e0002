//! The `paystream` command. Without a subcommand it is `paystream up`: the whole system on this machine.

mod arguments;
mod up;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command() {
        Command::Up(up) => up::run(up).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Tells the user something that is not the result.
#[expect(clippy::print_stderr, reason = "this is how a command line talks to its user")]
fn tell(message: &str) {
    eprintln!("{message}");
}
