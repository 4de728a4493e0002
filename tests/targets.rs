//! Which Paystream the end-to-end tests are run against, and that docs/parity.md tells the truth about it.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use paystream_tests::{Need, Target, outputs_of, workspace};

const PAGE: &str = "docs/parity.md";

/// The end-to-end tests, and what each says that it needs.
fn tests() -> BTreeMap<String, Vec<Need>> {
    let mut tests = BTreeMap::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("end_to_end")).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let source = std::fs::read_to_string(&path).unwrap();
        for test in source.split("#[tokio::test]\nasync fn ").skip(1) {
            let (name, body) = test.split_once('(').unwrap();
            let body = body.split("\n}\n").next().unwrap();
            let said = body.split_once("skip_without(&[").map(|(_, needs)| needs.split(']').next().unwrap());
            // Otherwise it would pass on a target on which it does not run.
            let anywhere = body.contains("Paystream::of_target()");
            assert!(anywhere || said.is_some(), "{module}::{name} neither takes its target nor says what it needs");
            let needs = said.unwrap_or_default();
            let needs = Need::ALL.into_iter().filter(|need| needs.contains(&format!("Need::{need:?}"))).collect();
            tests.insert(format!("{module}::{name}"), needs);
        }
    }
    assert!(tests.len() > 20, "the tests are not found");
    tests
}

/// The rows of the page that begin with a name in code marks.
fn rows(page: &str) -> BTreeSet<&str> {
    page.lines().filter(|line| line.starts_with("| `")).collect()
}

#[test]
fn the_page_lists_every_test_that_is_skipped_somewhere_and_why() {
    let page = std::fs::read_to_string(workspace().join(PAGE)).unwrap();
    let mut expected = BTreeSet::new();
    let mut needed = BTreeSet::new();
    for (test, needs) in tests().into_iter().filter(|(_, needs)| !needs.is_empty()) {
        let lacks = |target: Target| needs.iter().any(|need| target.lacks(*need).is_some());
        let runs = |target| if lacks(target) { "skipped" } else { "runs" };
        let names: Vec<_> = needs.iter().map(|need| format!("`{need:?}`")).collect();
        needed.extend(names.iter().cloned());
        let [embedded, localstack, aws] = Target::ALL.map(runs);
        assert_eq!(embedded, "runs", "{test}");
        expected.insert(format!("| `{test}` | {} | {localstack} | {aws} |", names.join(", ")));
    }
    for need in Need::ALL {
        let [localstack, aws] = [Target::LocalStack, Target::Aws].map(|target| target.lacks(need).unwrap_or("has it"));
        assert!(needed.contains(&format!("`{need:?}`")), "no test needs {need:?}");
        expected.insert(format!("| `{need:?}` | {localstack} | {aws} |"));
    }
    let rows = rows(&page);
    for row in &expected {
        assert!(rows.contains(row.as_str()), "{PAGE} lacks\n{row}");
    }
    for row in rows {
        assert!(expected.contains(row), "{PAGE} has what is not so:\n{row}");
    }
}

#[test]
fn nothing_is_skipped_where_everything_can_be_had() {
    for need in Need::ALL {
        assert_eq!(Target::Embedded.lacks(need), None, "{need:?}");
    }
}

#[test]
fn a_target_is_found_by_its_name_and_there_is_one_for_none() {
    for target in Target::ALL {
        assert_eq!(Target::named(&target.to_string()), Ok(target));
    }
    assert_eq!(Target::named(""), Ok(Target::Embedded));
    let error = Target::named("AWS").unwrap_err();
    assert_eq!(error, "is \"AWS\", and must be embedded, localstack or aws");
}

#[test]
fn outputs_are_read_from_what_sam_prints_and_from_nothing_else() {
    let text = r#"[{"OutputKey": "PaymentsUrl", "OutputValue": "https://x/dev", "Description": "…"}]"#;
    assert_eq!(outputs_of(text), Ok([("PaymentsUrl".to_owned(), "https://x/dev".to_owned())].into()));
    for text in ["", "{}", "Error: Stack paystream does not exist"] {
        let error = outputs_of(text).unwrap_err();
        assert!(error.contains("sam list stack-outputs --output json"), "{error}");
    }
}
