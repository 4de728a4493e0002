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

#[test]
fn chaos_tells_its_seed_what_happened_and_that_both_services_agree() {
    let run = paystream(Path::new("."), &["chaos", "--payments", "40", "--seed", "7", "--json"]);
    assert!(run.status.success(), "{run:?}");
    let report = String::from_utf8(run.stdout).unwrap();
    assert!(report.starts_with(r#"{"seed":7,"payments":40,"#), "{report}");
    assert!(report.contains(r#""lost":[],"invented":[],"unpublished":[],"copies":[],"stuck":[]"#), "{report}");
}

#[test]
fn compare_tells_its_figures_and_that_nothing_was_lost_and_writes_its_report() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("report");
    let arguments = ["compare", "--scenario", "healthy", "--rate", "4", "--duration", "2", "--output"];
    let run = paystream(Path::new("."), &[&arguments[..], &[output.to_str().unwrap()]].concat());
    assert!(run.status.success(), "{run:?}");
    let table = String::from_utf8(run.stdout).unwrap();
    for said in ["healthy", "asynchronous", "synchronous", "p99.9"] {
        assert!(table.contains(said), "{table}");
    }
    for file in ["report.md", "report.json", "latency.svg"] {
        assert!(output.join(file).is_file(), "no {file}");
    }
}

#[test]
fn compare_refuses_what_it_cannot_run_and_says_what_it_can() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (&["--scenario", "lightning"][..], "there are healthy, payments-200ms"),
        (&["--rate", "0"], "must be a number from 0.1 to 1000"),
        (&["--duration", "a while"], "must be a number from 1 to 3600"),
        (&["--stack-outputs", "not-there.json"], "cannot read the stack outputs in not-there.json"),
    ] {
        let output = paystream(directory.path(), &[&["compare"], arguments].concat());
        let said = said(&output);
        assert!(said.contains(expected), "{said}");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

/// The commands that operate a Paystream, and whether they write.
const OPERATING: [(&[&str], bool); 8] = [
    (&["reconcile"], true),
    (&["replay"], true),
    (&["quarantine", "list"], false),
    (&["quarantine", "show"], false),
    (&["quarantine", "redrive"], true),
    (&["quarantine", "drop"], true),
    (&["failures", "list"], false),
    (&["failures", "redrive"], true),
];

#[test]
fn every_command_that_operates_has_help_json_a_place_and_a_dry_run_where_it_writes() {
    let directory = tempfile::tempdir().unwrap();
    for (command, writes) in OPERATING {
        let output = paystream(directory.path(), &[command, &["--help"]].concat());
        assert_eq!(output.status.code(), Some(0), "{command:?}");
        let help = String::from_utf8(output.stdout).unwrap();
        for flag in ["--json", "--url", "--stack-outputs", "--payments-table"] {
            assert!(help.contains(flag), "{command:?} has no {flag}");
        }
        assert_eq!(help.contains("--dry-run"), writes, "{command:?}");
    }
}

#[test]
fn a_command_that_cannot_find_anything_out_says_so_in_one_line_with_exit_code_2() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = "http://127.0.0.1:1";
    let arguments: [&[&str]; 4] = [
        &["reconcile", "--url", nobody],
        &["replay", "--url", nobody],
        &["quarantine", "list", "--url", nobody],
        &["failures", "list", "--stack-outputs", "not-there.json"],
    ];
    for arguments in arguments {
        let output = paystream(directory.path(), arguments);
        let said = said(&output);
        assert!(said.starts_with("error: ") && said.lines().count() == 1, "{arguments:?}: {said}");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_repair_that_is_not_asked_for_is_no_dry_run_either() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [&["reconcile", "--dry-run"][..], &["reconcile", "--wait"], &["quarantine", "redrive"]] {
        assert_eq!(paystream(directory.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
}
