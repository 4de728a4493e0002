//! Command line: `up` with its options, and the names of the commands that `paystream-commands` implements.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};
use paystream_up::Up;

/// Runs Paystream on this machine, and operates local and deployed stacks
#[derive(Debug, Parser)]
#[command(name = "paystream", version, args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    up: Up,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole system on 127.0.0.1 (the default without a subcommand)
    Up(Up),
    /// Compare Payments' table with Orders' read model, and repair differences
    #[command(disable_help_flag = true)]
    Reconcile(Forwarded),
    /// Publish all payments again, to backfill a new consumer or one that missed some
    #[command(disable_help_flag = true)]
    Replay(Forwarded),
    /// List, show, redrive or drop quarantined records
    #[command(disable_help_flag = true)]
    Quarantine(Forwarded),
    /// List or redrive failed batches (on-failure destination)
    #[command(disable_help_flag = true)]
    Failures(Forwarded),
    /// Check hub, tables and mappings for settings that would lose, reorder or stop payments
    #[command(disable_help_flag = true)]
    Doctor(Forwarded),
    /// Run a random workload under random faults, and check that both services agree afterwards
    #[command(disable_help_flag = true)]
    Chaos(Forwarded),
    /// Place the same orders asynchronously and synchronously, and measure both
    #[command(disable_help_flag = true)]
    Compare(Forwarded),
}

/// Arguments of any form, `--help` included, which `paystream-commands` parses.
#[derive(Debug, Args)]
pub(crate) struct Forwarded {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<OsString>,
}

impl Arguments {
    /// Returns the subcommand, by default `up`.
    pub(crate) fn command(self) -> Command {
        self.command.unwrap_or(Command::Up(self.up))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn command(arguments: &[&str]) -> Result<Command, clap::Error> {
        Ok(Arguments::try_parse_from([&["paystream"], arguments].concat())?.command())
    }

    fn up(arguments: &[&str]) -> Result<Up, clap::Error> {
        let Command::Up(up) = command(arguments)? else { panic!("not up") };
        Ok(up)
    }

    #[test]
    fn the_command_line_is_consistent() {
        <Arguments as CommandFactory>::command().debug_assert();
    }

    #[test]
    fn up_is_the_default_subcommand() {
        for arguments in [&["--port", "3100", "--data", "d"][..], &["up", "--port", "3100", "--data", "d"][..]] {
            let up = up(arguments).unwrap();
            assert_eq!((up.port, up.data), (3100, Some("d".into())));
        }
        assert_eq!(up(&[]).unwrap().port, 3000);
    }

    #[test]
    fn flags_of_other_commands_are_forwarded() {
        for arguments in [&["reconcile", "--help"][..], &["quarantine", "list", "--json"], &["chaos", "--seed", "7"]] {
            assert!(!matches!(command(arguments).unwrap(), Command::Up(_)), "{arguments:?}");
        }
    }

    #[test]
    fn parameters_are_keys_and_values() {
        let up = up(&["--parameter", "Stage=prod", "--parameter", "A=b=c"]).unwrap();
        let expected = [("Stage", "prod"), ("A", "b=c")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(up.parameters, expected);
    }

    #[test]
    fn a_hub_has_an_address() {
        let up = up(&["--hub-url", "orders:secret@127.0.0.1:5672"]).unwrap();
        assert_eq!(up.hub_url.unwrap().address(), "127.0.0.1:5672");
        let message = self::up(&["--hub-url", "kafka://127.0.0.1:9092"]).unwrap_err().to_string();
        assert!(message.contains("--hub-url") && message.contains("must be [USER:PASSWORD@]HOST:PORT"), "{message}");
    }

    #[test]
    fn a_processor_is_on_this_machine() {
        assert!(up(&["--processor", "http://127.0.0.1:9090"]).unwrap().processor.is_some());
        let message = up(&["--processor", "https://api.processor.example"]).unwrap_err().to_string();
        assert!(message.contains("--processor") && message.contains("must be http://127.0.0.1:PORT"), "{message}");
    }

    #[test]
    fn invalid_arguments_are_usage_errors() {
        for arguments in [
            &["--hub-url", "127.0.0.1"][..],
            &["--parameter", "Stage"],
            &["--port", "70000"],
            &["--processor", "http://processor.example:9090"],
            &["down"],
            &["--parameter", "=x"],
        ] {
            assert_eq!(up(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
    }
}
