//! Commands of the command line.

use std::error::Error;

use paystream_contracts::{
    Document, VERSION, generated, obstacles_since_release, released_directory, released_path, repository,
};
use serde_json::Value;

type Output = Result<String, Box<dyn Error>>;

/// Generates every document and writes those that have changed.
pub(crate) fn write() -> Output {
    let mut written = Vec::new();
    for Document { path, text } in generated()? {
        let file = repository().join(&path);
        if std::fs::read_to_string(&file).ok().as_deref() != Some(text.as_str()) {
            put(&file, &text)?;
            written.push(path);
        }
    }
    Ok(if written.is_empty() { "no document has changed".to_owned() } else { format!("wrote {}", written.join(", ")) })
}

/// Checks that the documents can replace the released ones; the error lists every obstacle.
pub(crate) fn check() -> Output {
    let obstacles = obstacles_since_release()?;
    if obstacles.is_empty() {
        return Ok("the contracts are compatible with the released ones".to_owned());
    }
    let lines: Vec<_> = obstacles.iter().map(ToString::to_string).collect();
    Err(format!(
        "the contracts cannot replace the released ones:\n  {}\nRaise `VERSION` in tools/contracts/src/version.rs: the \
         minor version for additions, the major version for changes that break callers of an API and cannot be made as \
         additions. An event never changes in a way that breaks consumers: it gets a new type (docs/api/contracts.md).",
        lines.join("\n  ")
    )
    .into())
}

/// Replaces the released documents with the generated ones, and deletes those that are no longer generated.
pub(crate) fn release() -> Output {
    check()?;
    let documents = generated()?;
    std::fs::remove_dir_all(released_directory())?;
    for Document { path, text } in &documents {
        put(&released_path(path), text)?;
    }
    Ok(format!("released {} documents as {VERSION}", documents.len()))
}

/// Merges the `OpenAPI` documents of both APIs into one; links between the APIs become internal.
pub(crate) fn combined() -> Output {
    let mut combined = Value::Null;
    for Document { path, text } in generated()? {
        if !path.starts_with("docs/api/openapi/") {
            continue;
        }
        let document: Value = serde_json::from_str(&text)?;
        if combined.is_null() {
            combined = document;
            continue;
        }
        for part in ["/paths", "/components/schemas"] {
            let more = document.pointer(part).and_then(Value::as_object).cloned().unwrap_or_default();
            let Some(Value::Object(members)) = combined.pointer_mut(part) else { continue };
            for (name, value) in more {
                match members.insert(name.clone(), value.clone()) {
                    Some(other) if other != value => {
                        return Err(format!("{part}/{name} differs between the APIs").into());
                    }
                    _ => {}
                }
            }
        }
    }
    for api in ["payments", "orders"] {
        make_internal(&mut combined, &format!("./{api}.json#"));
    }
    Ok(format!("{combined:#}"))
}

/// Removes the document's name from references.
fn make_internal(value: &mut Value, document: &str) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("operationRef") {
                *reference = reference.replace(document, "#");
            }
            members.values_mut().for_each(|member| make_internal(member, document));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| make_internal(value, document)),
        _ => {}
    }
}

fn put(file: &std::path::Path, text: &str) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(file, text)
}
