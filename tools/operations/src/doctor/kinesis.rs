//! Checks of the Kinesis stream.

use super::Effect::{Loses, Stops};
use super::{Condition, Findings};

const MISSING: Condition = Condition {
    code: "kinesis-stream-missing",
    effect: Stops,
    consequence: "Nothing is published.",
    remedy: "Check name, region and account, then create the stream again (docs/operating.md, revert drift), and run `paystream replay`.",
};
const INACTIVE: Condition = Condition {
    code: "kinesis-stream-inactive",
    effect: Stops,
    consequence: "Calls to the stream fail in this state.",
    remedy: "Wait for ACTIVE; a stream that is being deleted has to be created again, and `paystream replay` run.",
};
const RETENTION: Condition = Condition {
    code: "kinesis-retention-short",
    effect: Loses,
    consequence: "The stream drops records that the projector's mapping still retries; they reach no on-failure destination.",
    remedy: "Raise StreamRetentionHours above the mapping's MaximumRecordAgeInSeconds.",
};

/// Conditions of a Kinesis stream.
pub(super) const CONDITIONS: [&Condition; 3] = [&MISSING, &INACTIVE, &RETENTION];

/// Settings of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KinesisFacts {
    /// `StreamStatus`.
    pub status: String,
    /// `RetentionPeriodHours`.
    pub retention_hours: u64,
}

/// Checks the stream; `None` if it does not exist. `record_age_seconds_max` is the bound of the projector's mapping, if
/// it has one. Closed shards and a running reshard are no problem: Lambda reads a parent before its children.
pub fn kinesis(facts: Option<&KinesisFacts>, record_age_seconds_max: Option<u64>) -> Findings {
    let mut findings = Findings::default();
    let Some(facts) = facts else {
        findings.add(&MISSING, "it does not exist");
        return findings;
    };
    let is_usable = matches!(facts.status.as_str(), "ACTIVE" | "UPDATING");
    findings.add_if(!is_usable, &INACTIVE, || format!("status {}", facts.status));
    if let Some(age) = record_age_seconds_max {
        let retention_seconds = facts.retention_hours.saturating_mul(3_600);
        findings.add_if(retention_seconds <= age, &RETENTION, || {
            format!("retention {} h, record age of the mapping {age} s", facts.retention_hours)
        });
    }
    findings
}
