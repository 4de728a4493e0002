//! Completeness checks of the documentation: problem pages, their index, and the rules of event source mappings.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use http_problems::ProblemType;
use serde_json::Value;

/// Source folders that declare problem types, with the list each crate exports.
const DECLARED: [(&str, &[ProblemType]); 3] = [
    ("crates/http-problems/src", http_problems::builtin::ALL),
    ("functions/order-api/src", order_api::PROBLEMS),
    ("functions/payment-api/src", payment_api::PROBLEMS),
];

fn all() -> impl Iterator<Item = ProblemType> {
    DECLARED.into_iter().flat_map(|(_, types)| types.iter().copied())
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Content of the first fenced code block of this language.
fn fenced<'a>(page: &'a str, language: &str) -> Option<&'a str> {
    let (_, behind) = page.split_once(&format!("```{language}\n"))?;
    behind.split_once("```").map(|(text, _)| text)
}

#[test]
fn every_problem_type_has_a_page_with_every_section_and_an_example() {
    for problem_type in all() {
        let (name, uri) = (problem_type.name(), problem_type.uri());
        let (title, status) = (problem_type.title(), problem_type.status());
        let path = format!("docs/api/problems/{name}.md");
        let page = read(&path);
        for line in [format!("# {title}"), format!("- type: `{uri}`"), format!("- status: {}", status.as_u16())] {
            assert!(page.lines().any(|found| found.starts_with(&line)), "{path} lacks the line {line:?}");
        }
        for part in ["## When", "## What to do", "## Is repeating safe?", "## Example"] {
            assert!(page.lines().any(|line| line == part), "{path} lacks {part:?}");
        }
        let example = fenced(&page, "json").unwrap_or_else(|| panic!("{path} has no example"));
        let example: Value = serde_json::from_str(example).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(example["type"], uri, "{path}");
        assert_eq!((&example["title"], &example["status"]), (&title.into(), &status.as_u16().into()), "{path}");
        assert!(example["detail"].is_string(), "{path}");
    }
}

/// Otherwise a problem could have members that no page documents.
#[test]
fn every_page_of_a_problem_type_lists_its_members_and_headers_and_shows_them() {
    for problem_type in all() {
        let path = format!("docs/api/problems/{}.md", problem_type.name());
        let page = read(&path);
        let documented = |kind: &str| {
            let lines = page.lines().filter_map(|line| line.strip_prefix(&format!("- {kind}: `")));
            lines.filter_map(|line| line.split('`').next().map(str::to_owned)).collect::<BTreeSet<_>>()
        };
        let members: BTreeSet<_> = problem_type.members().iter().map(|member| member.name.to_owned()).collect();
        assert_eq!(documented("member"), members, "{path}: its members");
        let headers = problem_type.headers().iter().map(|header| header.name.to_owned());
        assert_eq!(documented("header"), headers.collect(), "{path}: its headers");
        let example: Value = serde_json::from_str(fenced(&page, "json").unwrap()).unwrap();
        for member in members {
            assert!(example.get(&member).is_some(), "{path}: its example shows no {member}");
        }
    }
}

#[test]
fn the_index_lists_every_problem_type_and_every_page() {
    let index = read("docs/api/problems.md");
    for problem_type in all() {
        let row = format!("| [`{0}`](problems/{0}.md) | {1} |", problem_type.name(), problem_type.status().as_u16());
        assert!(index.contains(&row), "docs/api/problems.md lacks {row}");
    }
    for page in std::fs::read_dir(repository("docs/api/problems")).unwrap() {
        let link = format!("(problems/{})", page.unwrap().file_name().to_str().unwrap());
        assert!(index.contains(&link), "docs/api/problems.md lacks {link}");
    }
}

/// Otherwise a new type could be missing from the lists, and from the documentation with them.
#[test]
fn every_declared_problem_type_is_listed_once() {
    for (directory, types) in DECLARED {
        let files = std::fs::read_dir(repository(directory)).unwrap().map(|entry| entry.unwrap().path());
        let sources = files.filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).unwrap());
        let declared: usize = sources.map(|source| source.matches("ProblemType::new(").count()).sum();
        assert_eq!(types.len(), declared, "the list of {directory} differs from the types it declares");
    }
    let names: BTreeSet<_> = all().map(ProblemType::name).collect();
    assert_eq!(names.len(), all().count(), "a name is used twice");
}

const MAPPINGS: &str = "docs/event-source-mappings.md";
/// Test files of `tools/local` in which every test covers a rule of event source mappings.
const MAPPING_TESTS: [&str; 11] = [
    "tests/it/streams.rs",
    "tests/it/parallel.rs",
    "tests/it/filters.rs",
    "tests/it/on_failure.rs",
    "tests/it/resharding.rs",
    "tests/it/kafka/delivery.rs",
    "tests/it/kafka/failures.rs",
    "tests/it/kafka/positions.rs",
    "tests/it/kafka/transactions.rs",
    "src/event_source/rabbitmq/tests/delivery.rs",
    "src/event_source/rabbitmq/tests/failures.rs",
];

/// The cells of every row of a page's tables.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| rule |"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// The names in backticks.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Content of all Rust files below a folder.
fn sources(directory: &Path) -> Vec<String> {
    let paths = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => sources(&path),
        Some(extension) if extension == "rs" => vec![std::fs::read_to_string(&path).unwrap()],
        _ => Vec::new(),
    };
    paths.flat_map(read).collect()
}

#[test]
fn every_event_source_mapping_rule_has_a_source_or_is_marked_undocumented_and_names_an_existing_test() {
    let (page, mut sources) = (read(MAPPINGS), sources(&repository("tools/local")));
    sources.extend(self::sources(&repository("tools/hubs")));
    let rows = rows(&page);
    assert!(!rows.is_empty());
    for row in rows {
        let [rule, source, tests] = row.as_slice() else { panic!("{MAPPINGS}: expected three columns: {row:?}") };
        assert!(
            source.contains("][") || source.starts_with("not documented"),
            "{rule}: neither links to AWS documentation nor says \"not documented\""
        );
        assert!(!names(tests).is_empty(), "{rule}: no test");
        for name in names(tests) {
            let function = format!("fn {name}(");
            assert!(sources.iter().any(|source| source.contains(&function)), "{rule}: test {name} does not exist");
        }
    }
    for label in page.split("][").skip(1).filter_map(|rest| rest.split_once(']')).map(|(label, _)| label) {
        assert!(page.contains(&format!("\n[{label}]: https://")), "{MAPPINGS}: [{label}] has no link definition");
    }
}

#[test]
fn every_event_source_mapping_test_is_listed_with_its_rule() {
    let page = read(MAPPINGS);
    let listed: BTreeSet<&str> =
        rows(&page).into_iter().filter_map(|row| row.last().copied()).flat_map(names).collect();
    for file in MAPPING_TESTS {
        let source = read(&format!("tools/local/{file}"));
        let tests = source.split("#[tokio::test]\nasync fn ").skip(1).filter_map(|test| test.split_once('('));
        for (name, _) in tests {
            assert!(listed.contains(name), "{MAPPINGS} does not list {name}");
        }
    }
}
