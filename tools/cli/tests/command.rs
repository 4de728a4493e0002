//! The command as its user meets it: clear lines, and an exit code.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

fn paystream(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_paystream")).current_dir(directory).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_broken_template_is_named_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let topic = "Resources:\n  Foo:\n    Type: AWS::SNS::Topic\n";
    std::fs::write(directory.path().join("template.yaml"), topic).unwrap();
    let output = paystream(directory.path(), &["up", "--port", "0", "--template", "template.yaml"]);
    let said = said(&output);
    assert!(said.starts_with("error: template.yaml:3: resource Foo: AWS::SNS::Topic is not supported"), "{said}");
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1));
}

#[test]
fn a_template_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let output = paystream(directory.path(), &["--template", "gone.yaml"]);
    let said = said(&output);
    assert!(said.starts_with("error: cannot read the template gone.yaml: "), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_template_is_found_in_a_directory_above() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("template.yaml"), "Resources: {").unwrap();
    std::fs::create_dir(directory.path().join("below")).unwrap();
    let said = said(&paystream(&directory.path().join("below"), &[]));
    assert!(said.contains("template.yaml:") && said.contains("not a template"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_noticed_before_anything_is_built() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("template.yaml"), "Resources: {}\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = paystream(directory.path(), &["--port", &port]);
    let expected =
        format!("error: port {port} is taken: choose another with --port, or --port 0 for any that is free\n");
    assert_eq!((said(&output), output.status.code()), (expected, Some(1)));
}

#[test]
fn a_value_that_a_parameter_does_not_allow_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let template = "Parameters:\n  Stage:\n    Type: String\n    Default: dev\nResources: {}\n";
    std::fs::write(directory.path().join("template.yaml"), template).unwrap();
    let output = paystream(directory.path(), &["--parameter", "Stag=prod"]);
    assert_eq!(said(&output), "error: the template has no parameter Stag; it has Stage\n");
}

#[test]
fn what_is_not_understood_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(paystream(directory.path(), &["--prot", "1"]).status.code(), Some(2));
}

/// The list of `paystream --help`, and the help of each command that is passed on.
#[test]
fn every_command_in_the_help_is_there_and_described_alike() {
    let help = text(&paystream(Path::new("."), &["--help"]));
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let listed = commands.lines().map_while(|line| line.strip_prefix("  ")?.split_once("  "));
    let listed: Vec<_> = listed.map(|(name, about)| (name, about.trim())).filter(|(name, _)| *name != "up").collect();
    assert_eq!(listed.len(), 6, "{help}");
    for (name, about) in listed {
        let output = paystream(Path::new("."), &[name, "--help"]);
        assert!(text(&output).starts_with(about), "{name}: {output:?}");
    }
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}
