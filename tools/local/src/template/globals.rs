//! The `Globals` section: defaults for all functions.

use super::error::{LocatedProblem, Problem};
use super::evaluate::Scope;
use super::node::{Node, Value};

/// Returns the defaults for functions. `Globals` for other resource types are an error.
pub(super) fn of_functions(section: Option<&Node>, scope: &Scope<'_>) -> Result<Option<Node>, LocatedProblem> {
    let entries = section.and_then(Node::entries).unwrap_or_default();
    if let Some(entry) = entries.iter().find(|entry| entry.key != "Function") {
        let (owner, name) = ("Globals".to_owned(), entry.key.clone());
        return Err(LocatedProblem::at(entry.line, Problem::UnknownKey { owner, name }));
    }
    entries.first().map(|entry| scope.evaluate(&entry.value)).transpose().map(Option::flatten)
}

/// Merges as SAM does: maps are merged, lists are concatenated, and otherwise the resource's own value wins.
pub(super) fn merge(global: &Node, own: &Node) -> Node {
    let value = match (&global.value, &own.value) {
        (Value::Map(globals), Value::Map(owns)) => {
            let mut merged = owns.clone();
            for entry in globals {
                match merged.iter_mut().find(|own| own.key == entry.key) {
                    Some(own) => own.value = merge(&entry.value, &own.value),
                    None => merged.push(entry.clone()),
                }
            }
            Value::Map(merged)
        }
        (Value::List(globals), Value::List(owns)) => Value::List(globals.iter().chain(owns).cloned().collect()),
        _ => own.value.clone(),
    };
    Node { line: own.line, value }
}
