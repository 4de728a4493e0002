//! Every command of `paystream` but `up`: checks, repairs, load and measurements.
//!
//! They are a program of their own so that `cargo run`, which is `paystream up`, builds nothing of what they need.

mod chaos;
mod compare;
mod failures;
mod local;
mod output;
mod progress;
mod quarantine;
mod reconcile;
mod replay;
mod target;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Commands that check, repair, load and measure a running Paystream.
#[derive(Debug, Parser)]
#[command(name = "paystream", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare Payments' table with Orders' copies, and mend what does not agree
    Reconcile(reconcile::Arguments),
    /// Publish all payments once more, to fill a new consumer or one that missed some
    Replay(replay::Arguments),
    /// Deal with records that Orders could not read
    Quarantine {
        #[command(subcommand)]
        command: quarantine::Command,
    },
    /// Deal with batches that event source mappings gave up on
    Failures {
        #[command(subcommand)]
        command: failures::Command,
    },
    /// Make random payments under random faults, and check that both services agree on them afterwards
    ///
    /// It starts a system of its own, in memory. Clients pay, capture, void, refund and order, and repeat what is not answered,
    /// while calls fail, hang or lose their answers, processes are killed, shards split and merge, events come again and late,
    /// and records come that are none. Then it waits for quiet and compares what the clients were told with all that both
    /// services stored. It exits with 0 where they agree, with 1 where not, and with 2 where it did not come that far.
    Chaos(chaos::Arguments),
    /// Place the same orders both ways, asynchronously and synchronously, and measure what each gains and pays
    ///
    /// It starts a system of its own for each scenario, in memory, and places orders at a fixed rate through both modes in
    /// turns, while nothing or something goes wrong. Then it reads where every order ended. It prints a table, and writes
    /// report.md, report.json and plots where --output says. Ctrl-C stops it and keeps what was measured until then. It exits
    /// with 0 where nothing was lost or made twice and every order is where its payment puts it, with 1 where not, and with 2
    /// where it did not come that far.
    Compare(compare::Arguments),
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Chaos(arguments) => ended(chaos::run(arguments).await),
        Command::Compare(arguments) => ended(compare::run(arguments).await),
        Command::Reconcile(arguments) => ended(reconcile::run(arguments).await),
        Command::Replay(arguments) => ended(replay::run(arguments).await),
        Command::Quarantine { command } => ended(quarantine::run(command).await),
        Command::Failures { command } => ended(failures::run(command).await),
    }
}

/// The exit code of a command: 1 reports findings, so that a script can tell them from 2, a failure to run.
fn ended<E: std::fmt::Display>(result: Result<ExitCode, E>) -> ExitCode {
    result.unwrap_or_else(|error| {
        tell(&format!("error: {error}"));
        ExitCode::from(2)
    })
}

/// Tells the user something that is not the result.
#[expect(clippy::print_stderr, reason = "this is how a command line talks to its user")]
fn tell(message: &str) {
    eprintln!("{message}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Arguments as CommandFactory>::command().debug_assert();
    }
}
