//! The Kinesis stream.

use super::super::*;
use super::{AGE, Case};

fn stream(status: &str, retention_hours: u64, record_age: Option<u64>) -> Findings {
    kinesis(Some(&KinesisFacts { status: status.to_owned(), retention_hours }), record_age)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        ("kinesis-stream-missing", "it does not exist", kinesis(None, AGE)),
        ("kinesis-stream-inactive", "status DELETING", stream("DELETING", 24, AGE)),
        ("kinesis-stream-inactive", "status CREATING", stream("CREATING", 24, AGE)),
        (
            "kinesis-retention-short",
            "retention 24 h, record age of the mapping 86400 s",
            stream("ACTIVE", 24, Some(86_400)),
        ),
        (
            "kinesis-retention-short",
            "retention 24 h, record age of the mapping 604800 s",
            stream("ACTIVE", 24, Some(604_800)),
        ),
    ]
}

#[test]
fn a_sound_stream_has_no_findings() {
    for status in ["ACTIVE", "UPDATING"] {
        assert_eq!(stream(status, 24, Some(86_399)), Findings::default());
    }
    // A mapping without a bound is a finding of its own.
    assert_eq!(stream("ACTIVE", 24, None), Findings::default());
}
