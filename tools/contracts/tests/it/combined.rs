//! The command that merges the documents of both APIs, for tools that test one document.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::{orders, payments};

fn keys(document: &Value, pointer: &str) -> BTreeSet<String> {
    document.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
}

/// The command fails if the APIs have different schemas of one name.
#[test]
fn both_apis_merge_into_one_document() {
    let output = Command::new(env!("CARGO_BIN_EXE_paystream-contracts")).arg("combined").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("orders.json") && !text.contains("payments.json"), "a link leads to another document");
    let combined: Value = serde_json::from_str(&text).unwrap();
    for part in ["/paths", "/components/schemas"] {
        let either: BTreeSet<_> = keys(&payments(), part).union(&keys(&orders(), part)).cloned().collect();
        assert_eq!(keys(&combined, part), either, "{part}");
    }
}
