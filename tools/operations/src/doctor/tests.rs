//! Cases of each condition, and settings without any.

mod kafka;
mod kinesis;
mod mapping;
mod rabbitmq;
mod tables;

use std::collections::BTreeSet;

use super::*;

/// Record age of the template's mappings.
const AGE: Option<u64> = Some(43_200);

/// Code of the only condition that holds, the setting as it is shown, and the findings.
type Case = (&'static str, &'static str, Findings);

fn shown(findings: &Findings) -> Vec<(&'static str, &str)> {
    findings.0.iter().map(|(condition, observed)| (condition.code, observed.as_str())).collect()
}

#[test]
fn each_condition_is_found_alone_with_the_setting_as_it_is() {
    let groups = [tables::cases(), mapping::cases(), kinesis::cases(), kafka::cases(), rabbitmq::cases()];
    let cases = groups.concat();
    for (code, observed, findings) in &cases {
        assert_eq!(shown(findings), [(*code, *observed)]);
    }
    let joint = rabbitmq::joint_cases();
    for (expected, findings) in &joint {
        assert_eq!(shown(findings), *expected);
    }
    let alone = cases.iter().map(|(code, ..)| *code);
    let tested: BTreeSet<_> =
        alone.chain(joint.iter().flat_map(|(expected, _)| expected).map(|(code, _)| *code)).collect();
    let all: Vec<_> = conditions().map(|condition| condition.code).collect();
    assert_eq!(tested, all.iter().copied().collect(), "conditions without a test, or the reverse");
    assert_eq!(tested.len(), all.len(), "two conditions have the same code");
}

#[test]
fn the_runbook_lists_every_condition_as_the_command_prints_it() {
    let runbook = include_str!("../../../../docs/operating.md");
    let is_condition =
        |line: &&str| ["loses", "reorders", "stops"].iter().any(|effect| line.contains(&format!("` | {effect} | ")));
    let rows: Vec<_> = runbook.lines().filter(is_condition).map(str::to_owned).collect();
    let row = |condition: &Condition| {
        let Condition { code, effect, consequence, remedy } = condition;
        format!("| `{code}` | {effect} | {consequence} | {remedy} |")
    };
    assert_eq!(rows, conditions().map(row).collect::<Vec<_>>());
}

#[test]
fn a_diagnosis_names_the_part_of_each_finding_and_counts_what_could_not_be_read() {
    let mut diagnosis = Diagnosis::default();
    diagnosis.uncovered("added partitions", "no earlier number");
    assert!(!diagnosis.has_failures());
    diagnosis.checked("bucket failures", bucket(false));
    diagnosis.checked("table orders", Findings::default());
    diagnosis.failed("topic payments", "no broker answers");
    assert!(diagnosis.has_failures());
    let finding = |finding: &Finding| (finding.subject.clone(), finding.condition.code);
    let findings: Vec<_> = diagnosis.findings.iter().map(finding).collect();
    assert_eq!(findings, [("bucket failures".to_owned(), "failures-bucket-missing")]);
    assert_eq!(diagnosis.checked, ["bucket failures", "table orders"]);
    let unchecked = |part: &Unchecked| (part.subject.clone(), part.reason.clone());
    let unchecked: Vec<_> = diagnosis.unchecked.iter().map(unchecked).collect();
    let expected = [("added partitions", "no earlier number"), ("topic payments", "no broker answers")];
    assert_eq!(unchecked, expected.map(|(part, reason)| (part.to_owned(), reason.to_owned())));
}

#[test]
fn the_address_of_the_management_api_has_no_credentials_except_on_this_machine() {
    let local: ManagementUrl = "http://guest:p%40ss@127.0.0.1:15672/".parse().unwrap();
    assert_eq!(local.to_string(), "http://127.0.0.1:15672");
    let credentials = local.credentials().unwrap();
    assert_eq!((credentials.username.as_str(), credentials.password.as_str()), ("guest", "p@ss"));
    let remote: ManagementUrl = "https://b-1.mq.eu-central-1.amazonaws.com".parse().unwrap();
    assert!(remote.credentials().is_none());
    for text in [
        "127.0.0.1:15672",
        "ftp://x",
        "http://",
        "http://guest@127.0.0.1",
        "https://u:p@b-1.example.com",
        "http://u:p@127.0.0.1.example.com",
    ] {
        assert!(text.parse::<ManagementUrl>().is_err(), "{text}");
    }
}
