//! The committed documents are those that the code generates.

use std::collections::BTreeSet;

use paystream_contracts::{Document, generated, obstacles_since_release, released_path, repository};

#[test]
fn committed_contracts_are_up_to_date() {
    for Document { path, text } in generated().unwrap() {
        let committed = std::fs::read_to_string(repository().join(&path)).unwrap_or_default();
        // No `assert_eq!`: the documents are too long to print.
        let same = committed == text;
        assert!(same, "{path} is out of date: run `cargo run -p paystream-contracts -- write` and commit it");
    }
}

#[test]
fn no_stale_contract_is_left() {
    let known: BTreeSet<_> =
        generated().unwrap().into_iter().map(|document| repository().join(document.path)).collect();
    for directory in ["docs/api/openapi", "docs/api/events"] {
        for entry in std::fs::read_dir(repository().join(directory)).unwrap() {
            let path = entry.unwrap().path();
            assert!(known.contains(&path), "{} is no longer generated: delete it", path.display());
        }
    }
}

#[test]
fn contracts_are_compatible_with_the_released_ones() {
    let obstacles: Vec<_> = obstacles_since_release().unwrap().iter().map(ToString::to_string).collect();
    assert!(obstacles.is_empty(), "{}", obstacles.join("\n"));
}

/// Without released documents there would be nothing to compare.
#[test]
fn released_documents_exist() {
    for path in ["docs/api/openapi/payments.json", "docs/api/openapi/orders.json", "docs/api/asyncapi.json"] {
        assert!(released_path(path).is_file(), "{} is missing", released_path(path).display());
    }
}
