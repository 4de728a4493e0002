//! What is committed is what the code has.

use std::collections::BTreeSet;

use paystream_contracts::{Document, generated, obstacles_since_release, released_path, repository};

#[test]
fn committed_contracts_are_what_the_code_generates() {
    for Document { path, text } in generated().unwrap() {
        let committed = std::fs::read_to_string(repository().join(&path)).unwrap_or_default();
        // Compared first, and not shown: they are long.
        let same = committed == text;
        assert!(same, "{path} is not what the code has: run `cargo run -p paystream-contracts -- write` and commit it");
    }
}

#[test]
fn no_contract_is_left_of_what_the_code_has_no_more() {
    let known: BTreeSet<_> =
        generated().unwrap().into_iter().map(|document| repository().join(document.path)).collect();
    for directory in ["docs/api/openapi", "docs/api/events"] {
        for entry in std::fs::read_dir(repository().join(directory)).unwrap() {
            let path = entry.unwrap().path();
            assert!(known.contains(&path), "{} is not generated any more: delete it", path.display());
        }
    }
}

#[test]
fn nothing_breaks_who_relies_on_the_released_contracts() {
    let obstacles: Vec<_> = obstacles_since_release().unwrap().iter().map(ToString::to_string).collect();
    assert!(obstacles.is_empty(), "{}", obstacles.join("\n"));
}

/// Without them nothing would be compared.
#[test]
fn what_was_released_is_there() {
    for path in ["docs/api/openapi/payments.json", "docs/api/openapi/orders.json", "docs/api/asyncapi.json"] {
        assert!(released_path(path).is_file(), "{} is missing", released_path(path).display());
    }
}
