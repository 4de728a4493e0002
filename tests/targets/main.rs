//! Selection of the end-to-end tests' target, and a check that docs/parity.md lists what each target skips.
#![allow(missing_docs, clippy::unwrap_used)]

mod brokers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use paystream_local::HubKind;
use paystream_tests::{Need, TestTarget, hub_lacks, outputs_of, workspace};

const PAGE: &str = "docs/parity.md";
/// Modules whose tests choose their hubs themselves. The page lists those that need a broker by their files.
const CHOOSING_HUBS: [&str; 2] = ["hubs", "subscribers"];
const BROKERS: [HubKind; 2] = [HubKind::Kafka, HubKind::RabbitMq];

/// The end-to-end tests by name, with the needs each declares.
fn tests() -> BTreeMap<String, Vec<Need>> {
    let mut tests = BTreeMap::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("end_to_end")).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let source = std::fs::read_to_string(&path).unwrap();
        for test in source.split("#[tokio::test]\nasync fn ").skip(1) {
            let (name, body) = test.split_once('(').unwrap();
            let body = body.split("\n}\n").next().unwrap();
            let declared = body.split_once("skip_without(&[").map(|(_, needs)| needs.split(']').next().unwrap());
            if CHOOSING_HUBS.contains(&module.as_str()) {
                continue;
            }
            // Otherwise the test would pass on every target without running against it.
            let uses_target = body.contains("Paystream::of_target()");
            assert!(
                uses_target || declared.is_some(),
                "{module}::{name} neither uses its target nor declares its needs"
            );
            let needs = declared.unwrap_or_default();
            let needs = Need::ALL.into_iter().filter(|need| needs.contains(&format!("Need::{need:?}"))).collect();
            tests.insert(format!("{module}::{name}"), needs);
        }
    }
    assert!(tests.len() > 20, "found only {} tests", tests.len());
    tests
}

/// The table rows that begin with a name in backticks, apart from those that begin with a file.
fn rows(page: &str) -> BTreeSet<&str> {
    page.lines().filter(|line| line.starts_with("| `") && !line.contains(".rs` |")).collect()
}

#[test]
fn the_page_lists_every_test_that_is_skipped_somewhere_and_why() {
    let page = std::fs::read_to_string(workspace().join(PAGE)).unwrap();
    let mut expected = BTreeSet::new();
    let mut needed = BTreeSet::new();
    for (test, needs) in tests().into_iter().filter(|(_, needs)| !needs.is_empty()) {
        let lacks = |target: TestTarget| needs.iter().any(|need| target.lacks(*need).is_some());
        let runs = |target| if lacks(target) { "skipped" } else { "runs" };
        let names: Vec<_> = needs.iter().map(|need| format!("`{need:?}`")).collect();
        needed.extend(names.iter().cloned());
        let [embedded, localstack, aws] = TestTarget::ALL.map(runs);
        assert_eq!(embedded, "runs", "{test}");
        let [kafka, rabbitmq] = BROKERS
            .map(|hub| if needs.iter().any(|need| hub_lacks(hub, *need).is_some()) { "skipped" } else { "runs" });
        expected.insert(format!("| `{test}` | {} | {localstack} | {aws} | {kafka} | {rabbitmq} |", names.join(", ")));
    }
    for need in Need::ALL {
        let [localstack, aws] =
            [TestTarget::LocalStack, TestTarget::Aws].map(|target| target.lacks(need).unwrap_or("available"));
        let [kafka, rabbitmq] = BROKERS.map(|hub| hub_lacks(hub, need).unwrap_or("available"));
        assert_eq!(kafka, rabbitmq, "the page has one column for both");
        assert!(needed.contains(&format!("`{need:?}`")), "no test needs {need:?}");
        expected.insert(format!("| `{need:?}` | {localstack} | {aws} | {kafka} |"));
    }
    let rows = rows(&page);
    for row in &expected {
        assert!(rows.contains(row.as_str()), "{PAGE} lacks\n{row}");
    }
    for row in rows {
        assert!(expected.contains(row), "{PAGE} has a wrong row:\n{row}");
    }
}

#[test]
fn the_embedded_target_skips_nothing() {
    for need in Need::ALL {
        assert_eq!(TestTarget::Embedded.lacks(need), None, "{need:?}");
    }
}

#[test]
fn targets_parse_by_name_and_default_to_embedded() {
    for target in TestTarget::ALL {
        assert_eq!(TestTarget::named(&target.to_string()), Ok(target));
    }
    assert_eq!(TestTarget::named(""), Ok(TestTarget::Embedded));
    let error = TestTarget::named("AWS").unwrap_err();
    assert_eq!(error, "is \"AWS\", and must be embedded, localstack or aws");
}

#[test]
fn stack_outputs_are_parsed_from_the_json_of_sam_only() {
    let text = r#"[{"OutputKey": "PaymentsUrl", "OutputValue": "https://x/dev", "Description": "…"}]"#;
    assert_eq!(outputs_of(text), Ok([("PaymentsUrl".to_owned(), "https://x/dev".to_owned())].into()));
    for text in ["", "{}", "Error: Stack paystream does not exist"] {
        let error = outputs_of(text).unwrap_err();
        assert!(error.contains("sam list stack-outputs --output json"), "{error}");
    }
}
