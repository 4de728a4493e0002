//! Check that docs/parity.md lists the tests that are skipped without a broker.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use paystream_tests::workspace;

use super::PAGE;

/// Folders with tests, relative to the root. Third-party and generated code is elsewhere.
const FOLDERS: [&str; 4] = ["crates", "functions", "tools", "tests"];
/// Statement with which a test without a broker ends, as if it had passed.
const SKIPPING: &str = "else { return };";

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Returns the names of the tests that end early without a broker. Those that start an environment call a function of the
/// file that does so.
fn skipping_tests(source: &str) -> Vec<&str> {
    let body_of = |after: &str| after.split("\n}\n").next().unwrap_or_default().to_owned();
    let functions: Vec<_> = source
        .split("async fn ")
        .skip(1)
        .filter(|function| body_of(function).contains(SKIPPING))
        .filter_map(|function| function.split('(').next())
        .collect();
    let tests = source.split("#[tokio::test").skip(1).filter_map(|test| {
        let (_, test) = test.split_once("async fn ")?;
        let name = test.split('(').next()?;
        let body = body_of(test);
        let is_skipping =
            functions.iter().any(|function| *function == name || body.contains(&format!("    {function}(")));
        is_skipping.then_some(name)
    });
    tests.collect()
}

/// Returns the names by which the stage `hubs` selects tests.
fn names_of_the_stage() -> Vec<String> {
    let script = std::fs::read_to_string(workspace().join(".ci/hubs")).unwrap();
    let names = script.lines().find_map(|line| line.strip_prefix("names=(")?.strip_suffix(')')).unwrap();
    names.split(' ').map(str::to_owned).collect()
}

#[test]
fn the_stage_of_the_hubs_runs_every_test_that_is_skipped_without_a_broker() {
    let names = names_of_the_stage();
    let page = std::fs::read_to_string(workspace().join(PAGE)).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `") && line.contains(".rs` |"));
    for (file, tests) in rows.filter_map(|row| row.split_once("` | ")) {
        // The stage runs these targets whole.
        if file.contains("/tests/broker/") {
            continue;
        }
        // Modules are part of the names of their tests: folders and files below `src`, or below the folder of a target.
        let in_target = || file.split_once("tests/").and_then(|(_, target)| target.split_once('/'));
        let module = file.split_once("/src/").or_else(in_target).map_or("", |(_, module)| module);
        for test in tests.split('`').skip(1).step_by(2) {
            let is_selected = names.iter().any(|name| module.contains(name) || test.contains(name));
            assert!(is_selected, "{file}: none of {names:?} selects {test}");
        }
    }
}

#[test]
fn the_page_lists_every_test_that_is_skipped_without_a_broker() {
    let page = std::fs::read_to_string(workspace().join(PAGE)).unwrap();
    let mut files = Vec::new();
    for folder in FOLDERS {
        rust_files(&workspace().join(folder), &mut files);
    }
    let mut expected = BTreeSet::new();
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        let tests = skipping_tests(&source);
        if !tests.is_empty() {
            let names: Vec<_> = tests.iter().map(|name| format!("`{name}`")).collect();
            let file = file.strip_prefix(workspace()).unwrap().to_str().unwrap();
            expected.insert(format!("| `{file}` | {} |", names.join(", ")));
        }
    }
    assert!(expected.len() > 10, "found only {expected:?}");
    let rows: BTreeSet<_> = page.lines().filter(|line| line.starts_with("| `") && line.contains(".rs` |")).collect();
    for row in &expected {
        assert!(rows.contains(row.as_str()), "{PAGE} lacks\n{row}");
    }
    for row in rows {
        assert!(expected.contains(row), "{PAGE} has a wrong row:\n{row}");
    }
}
