//! Output that cannot be written.

use std::fs::File;

use paystream_tests::Paystream;

use crate::paid;
use crate::quarantine::quarantine;

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// A pipe that nobody reads.
fn closed_pipe() -> std::io::PipeWriter {
    std::io::pipe().unwrap().1
}

#[tokio::test]
async fn a_command_fails_if_its_output_cannot_be_written() {
    let paystream = Paystream::start().await;
    paid(&paystream, 1).await;
    // Larger than any buffer between the command and the device.
    let id = &quarantine(&paystream, "ord-1", &vec![b'x'; 700_000]).await;
    let commands: [&[&str]; 18] = [
        &["reconcile"],
        &["reconcile", "--json"],
        &["reconcile", "--repair", "--dry-run"],
        &["replay", "--dry-run"],
        &["replay", "--json"],
        &["quarantine", "list"],
        &["quarantine", "list", "--json"],
        &["quarantine", "show", id],
        &["quarantine", "show", id, "--json"],
        &["quarantine", "show", id, "--raw"],
        &["quarantine", "redrive", id, "--dry-run"],
        &["quarantine", "redrive", "shardId-0#1", "--json"],
        &["quarantine", "drop", id, "--dry-run"],
        &["failures", "list"],
        &["failures", "redrive", "--all"],
        &["failures", "redrive", "--all", "--dry-run", "--json"],
        &["doctor"],
        &["doctor", "--json"],
    ];
    for command in commands {
        let ran = paystream.command_writing_to(command, full()).await;
        assert_eq!(ran.code, 2, "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("error: cannot write to standard output: "), "{command:?}: {}", ran.stderr);
        let ran = paystream.command_writing_to(command, closed_pipe()).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (2, ""), "{command:?} into a closed pipe");
    }
}
