//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{chaos, compare, failures, quarantine, reconcile, replay};

/// Paystream: the whole system on this machine, and the tools to operate it.
#[derive(Debug, Parser)]
#[command(name = "paystream", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    up: Up,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole system on 127.0.0.1 (this is also what happens without a subcommand)
    Up(Up),
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

#[derive(Debug, Clone, Args)]
pub(crate) struct Up {
    /// The port to serve both APIs on; 0 is any that is free
    #[arg(long, default_value_t = 3000)]
    pub(crate) port: u16,
    /// Keep the tables in this directory across restarts, instead of in memory
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The template to run [default: template.yaml, here or in a directory above]
    #[arg(long, value_name = "PATH")]
    pub(crate) template: Option<PathBuf>,
    /// Instead of the default of a parameter of the template; may be repeated
    #[arg(long = "parameter", value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub(crate) parameters: Vec<(String, String)>,
    /// Build the functions as they deploy
    #[arg(long)]
    pub(crate) release: bool,
}

impl Arguments {
    /// `up`, where nothing else was asked for.
    pub(crate) fn command(self) -> Command {
        self.command.unwrap_or(Command::Up(self.up))
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn up(arguments: &[&str]) -> Result<Up, clap::Error> {
        let arguments = Arguments::try_parse_from([&["paystream"], arguments].concat())?;
        let Command::Up(up) = arguments.command() else { panic!("not up") };
        Ok(up)
    }

    #[test]
    fn the_command_line_is_consistent() {
        <Arguments as CommandFactory>::command().debug_assert();
    }

    #[test]
    fn up_is_what_happens_without_a_subcommand() {
        for arguments in [&["--port", "3100", "--data", "d"][..], &["up", "--port", "3100", "--data", "d"][..]] {
            let up = up(arguments).unwrap();
            assert_eq!((up.port, up.data), (3100, Some("d".into())));
        }
        assert_eq!(up(&[]).unwrap().port, 3000);
    }

    #[test]
    fn parameters_are_keys_and_values() {
        let up = up(&["--parameter", "Stage=prod", "--parameter", "A=b=c"]).unwrap();
        let expected = [("Stage", "prod"), ("A", "b=c")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(up.parameters, expected);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for arguments in [&["--parameter", "Stage"][..], &["--port", "70000"], &["down"], &["--parameter", "=x"]] {
            assert_eq!(up(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
    }
}
