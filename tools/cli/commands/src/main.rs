//! All commands of `paystream` except `up`: checks, repairs, load and measurements. And `up` over a hub outside the
//! process, for which `paystream` starts this program.
//!
//! They are a separate program, so that `cargo run` (`paystream up`) does not build their dependencies.

mod chaos;
mod compare;
mod doctor;
mod failures;
mod local;
mod outcomes;
mod output;
mod progress;
mod quarantine;
mod reconcile;
mod replay;
mod target;
mod up;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use output::OutputError;
use paystream_up::{tell, without_credentials};

/// Checks, repairs, loads and measures Paystream stacks
#[derive(Debug, Parser)]
#[command(name = "paystream", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole system on 127.0.0.1, over a hub outside this process
    #[command(hide = true)]
    Up(paystream_up::Up),
    /// Compare Payments' table with Orders' read model, and repair differences
    Reconcile(reconcile::Arguments),
    /// Publish all payments again, to backfill a new consumer or one that missed some
    Replay(replay::Arguments),
    /// List, show, redrive or drop quarantined records
    Quarantine {
        #[command(subcommand)]
        command: quarantine::Command,
    },
    /// List or redrive failed batches (on-failure destination)
    Failures {
        #[command(subcommand)]
        command: failures::Command,
    },
    /// Check hub, tables and mappings for settings that would lose, reorder or stop payments
    Doctor(doctor::Arguments),
    /// Run a random workload under random faults, and check that both services agree afterwards
    ///
    /// Starts its own environment, in memory. Clients pay, capture, void, refund and order, and retry requests without
    /// a response. Meanwhile calls fail, hang or lose their responses, processes are killed, shards split and merge,
    /// events are repeated and delayed, and invalid records are put on the stream. Once the system has settled, the
    /// responses that the clients got are compared with the data of both services. The exit code is 0 if they agree, 1
    /// if they differ, and 2 if the check did not complete.
    Chaos(chaos::Arguments),
    /// Place the same orders asynchronously and synchronously, and measure both; or, with --hub, compare hubs
    ///
    /// Starts an environment for each scenario, in memory, and places orders at a fixed rate in both modes in turn,
    /// with the scenario's faults. Then reads the final state of every order. Prints a table; --output writes
    /// report.md, report.json and plots. Ctrl-C stops it and keeps the results so far. The exit code is 0 if nothing
    /// was lost or duplicated and every order is in the state that its payment implies, 1 if not, and 2 if the
    /// measurement did not complete.
    ///
    /// With --hub, makes the same payments over each hub in turn. The exit code is 1 if a payment is missing in Orders, a
    /// batch was discarded, or the consumer first received the versions of a payment out of order.
    Compare(compare::Arguments),
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => {
            let answer = without_credentials(answer);
            let code = u8::try_from(answer.exit_code()).unwrap_or(2);
            return ended(output::answer(&answer).map(|()| ExitCode::from(code)));
        }
    };
    match arguments.command {
        Command::Up(up) => up::ended(up::run(up).await),
        Command::Chaos(arguments) => ended(chaos::run(arguments).await),
        Command::Compare(arguments) => ended(compare::run(arguments).await),
        Command::Reconcile(arguments) => ended(reconcile::run(arguments).await),
        Command::Replay(arguments) => ended(replay::run(arguments).await),
        Command::Quarantine { command } => ended(quarantine::run(command).await),
        Command::Failures { command } => ended(failures::run(command).await),
        Command::Doctor(arguments) => ended(doctor::run(arguments).await),
    }
}

/// Returns the exit code of a command. 1 reports findings; errors are printed and give 2, so that scripts can
/// distinguish them. A closed pipe gives 2 and prints nothing.
fn ended<E: Error + 'static>(result: Result<ExitCode, E>) -> ExitCode {
    result.unwrap_or_else(|error| {
        if !is_closed_pipe(&error) {
            tell(&format!("error: {error}"));
        }
        ExitCode::from(2)
    })
}

fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref().is_some_and(OutputError::is_closed_pipe) || error.source().is_some_and(is_closed_pipe)
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
