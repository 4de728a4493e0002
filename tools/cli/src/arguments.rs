//! The command line: `up` with its options, and the names of the commands that `paystream-commands` has.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Paystream: the whole system on this machine, and the tools to operate it.
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
    /// Run the whole system on 127.0.0.1 (this is also what happens without a subcommand)
    Up(Up),
    /// Compare Payments' table with Orders' copies, and mend what does not agree
    #[command(disable_help_flag = true)]
    Reconcile(Forwarded),
    /// Publish all payments once more, to fill a new consumer or one that missed some
    #[command(disable_help_flag = true)]
    Replay(Forwarded),
    /// Deal with records that Orders could not read
    #[command(disable_help_flag = true)]
    Quarantine(Forwarded),
    /// Deal with batches that event source mappings gave up on
    #[command(disable_help_flag = true)]
    Failures(Forwarded),
    /// Make random payments under random faults, and check that both services agree on them afterwards
    #[command(disable_help_flag = true)]
    Chaos(Forwarded),
    /// Place the same orders both ways, asynchronously and synchronously, and measure what each gains and pays
    #[command(disable_help_flag = true)]
    Compare(Forwarded),
}

/// Accepts any arguments, `--help` included: `paystream-commands` parses them.
#[derive(Debug, Args)]
pub(crate) struct Forwarded {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<OsString>,
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
    fn up_is_what_happens_without_a_subcommand() {
        for arguments in [&["--port", "3100", "--data", "d"][..], &["up", "--port", "3100", "--data", "d"][..]] {
            let up = up(arguments).unwrap();
            assert_eq!((up.port, up.data), (3100, Some("d".into())));
        }
        assert_eq!(up(&[]).unwrap().port, 3000);
    }

    #[test]
    fn flags_of_other_commands_are_passed_on() {
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
    fn what_is_not_understood_is_refused() {
        for arguments in [&["--parameter", "Stage"][..], &["--port", "70000"], &["down"], &["--parameter", "=x"]] {
            assert_eq!(up(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
    }
}
