//! The `paystream` command. Without a subcommand it is `paystream up`: the whole system on this machine.

mod arguments;
mod chaos;
mod up;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// What did not come to its end; 1 is for what did, and found something.
const FAILED: u8 = 2;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command() {
        Command::Up(up) => up::run(up).await.map(|()| ExitCode::SUCCESS).map_err(|error| error.to_string()),
        Command::Chaos(chaos) => chaos::run(chaos).await.map_err(|error| error.to_string()),
    };
    result.unwrap_or_else(|error| {
        tell(&format!("error: {error}"));
        ExitCode::from(FAILED)
    })
}

/// Tells the user something that is not the result.
#[expect(clippy::print_stderr, reason = "this is how a command line talks to its user")]
fn tell(message: &str) {
    eprintln!("{message}");
}
