//! Command line tests: output and exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::path::Path;
use std::process::{Command, Output};

fn paystream(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_paystream-commands")).current_dir(directory).args(arguments).output().unwrap()
}

fn stderr_of(output: &Output) -> String {
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn chaos_reports_its_seed_and_no_findings() {
    let run = paystream(Path::new("."), &["chaos", "--payments", "40", "--seed", "7", "--json"]);
    assert!(run.status.success(), "{run:?}");
    let report = String::from_utf8(run.stdout).unwrap();
    assert!(report.starts_with(r#"{"seed":7,"payments":40,"#), "{report}");
    assert!(
        report.contains(r#""lost":[],"invented":[],"unpublished":[],"disordered":[],"copies":[],"stuck":[]"#),
        "{report}"
    );
}

#[test]
fn compare_prints_its_table_and_writes_its_report() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("report");
    let arguments = ["compare", "--scenario", "healthy", "--rate", "4", "--duration", "2", "--output"];
    let run = paystream(Path::new("."), &[&arguments[..], &[output.to_str().unwrap()]].concat());
    assert!(run.status.success(), "{run:?}");
    let table = String::from_utf8(run.stdout).unwrap();
    for word in ["healthy", "asynchronous", "synchronous", "p99.9"] {
        assert!(table.contains(word), "{table}");
    }
    for file in ["report.md", "report.json", "latency.svg"] {
        assert!(output.join(file).is_file(), "no {file}");
    }
}

#[test]
fn a_password_of_a_rejected_address_is_not_shown() {
    for arguments in [
        ["doctor", "--management-url", "https://me:hidden@broker.example:443"],
        ["up", "--processor", "https://me:hidden@broker.example:443"],
    ] {
        let output = paystream(Path::new("."), &arguments);
        let stderr = stderr_of(&output);
        assert!(stderr.contains("'https://…@broker.example:443'") && !stderr.contains("hidden"), "{stderr}");
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn compare_rejects_invalid_arguments_and_names_the_valid_ones() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (&["--scenario", "lightning"][..], "expected one of healthy, payments-200ms"),
        (&["--rate", "0"], "must be a number from 0.1 to 1000"),
        (&["--duration", "a while"], "must be a number from 1 to 3600"),
        (&["--stack-outputs", "not-there.json"], "cannot read the stack outputs in not-there.json"),
        (&["--hub", "nats"], "unknown hub \"nats\""),
        (&["--hub", "kinesis", "--hub-url", "127.0.0.1:9092"], "must be HUB=HOST:PORT"),
        (&["--hub", "kinesis", "--hub-url", "kinesis=127.0.0.1:9092"], "Kinesis is embedded"),
        (&["--hub", "kinesis", "--rounds", "0"], "0 is not in 1..=100"),
        (&["--hub-url", "kafka=127.0.0.1:9092"], "--hub <HUBS>"),
        (&["--hub", "kafka", "--hub-url", "kafka=127.0.0.1:1"], "start one with `hubs/host/kafka start`"),
    ] {
        let output = paystream(directory.path(), &[&["compare"], arguments].concat());
        let stderr = stderr_of(&output);
        assert!(stderr.contains(expected), "{stderr}");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

/// The commands that operate a stack are tested in tests/operating/output.rs.
#[test]
fn a_command_fails_if_its_output_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../template.yaml");
    let commands: [&[&str]; 6] = [
        &["--help"],
        &["--version"],
        &["reconcile", "--help"],
        &["chaos", "--payments", "5", "--seed", "7", "--template", template],
        &["chaos", "--payments", "5", "--seed", "7", "--json", "--template", template],
        &["compare", "--scenario", "healthy", "--rate", "1", "--duration", "1", "--template", template],
    ];
    for arguments in commands {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_paystream-commands"));
        let output = command.current_dir(directory.path()).args(arguments).stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains("error: cannot write to standard output: "), "{arguments:?}: {stderr}");
    }
}

/// Commands that operate a stack; true for those that write.
const OPERATING: [(&[&str], bool); 10] = [
    (&["reconcile"], true),
    (&["replay"], true),
    (&["quarantine", "list"], false),
    (&["quarantine", "show"], false),
    (&["quarantine", "redrive"], true),
    (&["quarantine", "drop"], true),
    (&["failures", "list"], false),
    (&["failures", "redrive"], true),
    (&["failures", "dead-letters"], true),
    (&["doctor"], false),
];

#[test]
fn every_operating_command_has_help_json_and_target_flags_and_a_dry_run_if_it_writes() {
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
fn an_unreachable_target_is_a_one_line_error_with_exit_code_2() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = "http://127.0.0.1:1";
    let arguments: [&[&str]; 5] = [
        &["doctor", "--url", nobody],
        &["reconcile", "--url", nobody],
        &["replay", "--url", nobody],
        &["quarantine", "list", "--url", nobody],
        &["failures", "list", "--stack-outputs", "not-there.json"],
    ];
    for arguments in arguments {
        let output = paystream(directory.path(), arguments);
        let stderr = stderr_of(&output);
        assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{arguments:?}: {stderr}");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn incomplete_flag_combinations_are_usage_errors() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        &["reconcile", "--dry-run"][..],
        &["reconcile", "--wait"],
        &["quarantine", "redrive"],
        &["doctor", "--accept", "measles"],
        &["doctor", "--output", "Hub"],
        // Credentials on the command line are visible to other users of the machine.
        &["doctor", "--management-url", "https://user:password@broker.example.com"],
    ] {
        assert_eq!(paystream(directory.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
}
