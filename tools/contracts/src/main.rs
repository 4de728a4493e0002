//! Command line that generates the contracts, compares them with the last released ones, and releases them.

mod commands;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p paystream-contracts -- COMMAND

  write     generate docs/api/openapi, docs/api/asyncapi.json and docs/api/events from the code
  check     check that the contracts can replace the last released ones
  release   release the contracts: later ones are compared with these
  combined  print both APIs as one document with the links between them, for tools that test one document";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["write"] => commands::write(),
        ["check"] => commands::check(),
        ["release"] => commands::release(),
        ["combined"] => commands::combined(),
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(output) => {
            print_output(&output);
            ExitCode::SUCCESS
        }
        Err(error) => {
            print_error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "output of the command")]
fn print_output(output: &str) {
    println!("{output}");
}

#[expect(clippy::print_stderr, reason = "error message of the command")]
fn print_error(error: &str) {
    eprintln!("error: {error}");
}
