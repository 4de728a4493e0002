//! Writes the contracts, compares them with what was released last, and releases them.

mod commands;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p paystream-contracts -- COMMAND

  write     write docs/api/openapi, docs/api/asyncapi.json and docs/api/events as the code has them
  check     say what keeps the contracts from taking the place of those that were released last
  release   release the contracts as they are: later ones are compared with these
  combined  print one document of both APIs, with the links between them, for tools that test one document";

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
        Ok(said) => {
            say(&said);
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is the result of a command")]
fn say(said: &str) {
    println!("{said}");
}

#[expect(clippy::print_stderr, reason = "this is how a command line talks to its user")]
fn complain(error: &str) {
    eprintln!("error: {error}");
}
