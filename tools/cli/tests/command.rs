//! Command line tests: output and exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

fn paystream(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_paystream")).current_dir(directory).args(arguments).output().unwrap()
}

fn stderr_of(output: &Output) -> String {
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn an_invalid_template_is_reported_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let topic = "Resources:\n  Foo:\n    Type: AWS::SNS::Topic\n";
    std::fs::write(directory.path().join("template.yaml"), topic).unwrap();
    let output = paystream(directory.path(), &["up", "--port", "0", "--template", "template.yaml"]);
    let stderr = stderr_of(&output);
    assert!(stderr.starts_with("error: template.yaml:3: resource Foo: AWS::SNS::Topic is not supported"), "{stderr}");
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1));
}

#[test]
fn a_missing_template_is_reported_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let output = paystream(directory.path(), &["--template", "gone.yaml"]);
    let stderr = stderr_of(&output);
    assert!(stderr.starts_with("error: cannot read the template gone.yaml: "), "{stderr}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_template_is_found_in_a_parent_directory() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("template.yaml"), "Resources: {").unwrap();
    std::fs::create_dir(directory.path().join("below")).unwrap();
    let stderr = stderr_of(&paystream(&directory.path().join("below"), &[]));
    assert!(stderr.contains("template.yaml:") && stderr.contains("not a template"), "{stderr}");
}

#[test]
fn a_port_in_use_is_reported_before_the_build() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("template.yaml"), "Resources: {}\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = paystream(directory.path(), &["--port", &port]);
    let expected = format!("error: port {port} is in use: choose another with --port, or --port 0 for a free one\n");
    assert_eq!((stderr_of(&output), output.status.code()), (expected, Some(1)));
}

#[test]
fn an_unknown_parameter_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let template = "Parameters:\n  Stage:\n    Type: String\n    Default: dev\nResources: {}\n";
    std::fs::write(directory.path().join("template.yaml"), template).unwrap();
    let output = paystream(directory.path(), &["--parameter", "Stag=prod"]);
    assert_eq!(stderr_of(&output), "error: the template has no parameter Stag; it has Stage\n");
}

#[test]
fn a_password_of_a_rejected_address_is_not_shown() {
    for (option, value, shown) in [
        ("--processor", "http://me:hidden@127.0.0.1:9090", "'http://…@127.0.0.1:9090' for '--processor"),
        ("--processor", "http://me:hid@den@127.0.0.1", "'http://…@127.0.0.1' for '--processor"),
        ("--hub-url", "me:hidden@127.0.0.1:0", "'…@127.0.0.1:0' for '--hub-url"),
        ("--hub-url", "hidden@127.0.0.1:5672", "'…@127.0.0.1:5672' for '--hub-url"),
        ("--hub-url", "127.0.0.1", "'127.0.0.1' for '--hub-url"),
    ] {
        let stderr = stderr_of(&paystream(Path::new("."), &["up", option, value]));
        assert!(stderr.contains(shown) && !stderr.contains("hid") && !stderr.contains("den"), "{stderr}");
    }
}

#[test]
fn a_command_fails_if_its_output_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("template.yaml"), "Resources: {}\n").unwrap();
    // `up` builds the functions of the template in its workspace, and `paystream` itself. Here they are empty.
    std::fs::create_dir(directory.path().join("src")).unwrap();
    std::fs::write(directory.path().join("src/lib.rs"), "").unwrap();
    let manifest = "[package]\nname = \"paystream\"\nedition = \"2024\"\n";
    std::fs::write(directory.path().join("Cargo.toml"), manifest).unwrap();
    for (arguments, code) in [(&["--help"][..], 2), (&["--version"], 2), (&["up", "--port", "0"], 1)] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_paystream"));
        let output = command.current_dir(directory.path()).args(arguments).stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains("error: cannot write to standard output: "), "{arguments:?}: {stderr}");
    }
}

#[test]
fn an_unknown_flag_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(paystream(directory.path(), &["--prot", "1"]).status.code(), Some(2));
}

/// Compares the list in `paystream --help` with the help of each forwarded command.
#[test]
fn every_listed_command_exists_with_the_same_description() {
    let help = text(&paystream(Path::new("."), &["--help"]));
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let listed = commands.lines().map_while(|line| line.strip_prefix("  ")?.split_once("  "));
    let listed: Vec<_> = listed.map(|(name, about)| (name, about.trim())).filter(|(name, _)| *name != "up").collect();
    assert_eq!(listed.len(), 7, "{help}");
    for (name, about) in listed {
        let output = paystream(Path::new("."), &[name, "--help"]);
        assert!(text(&output).starts_with(about), "{name}: {output:?}");
    }
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}
