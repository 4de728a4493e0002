//! What the command line does.

use std::error::Error;

use paystream_contracts::{
    Document, VERSION, generated, obstacles_since_release, released_directory, released_path, repository,
};
use serde_json::Value;

type Said = Result<String, Box<dyn Error>>;

/// Writes every document as the code has it.
pub(crate) fn write() -> Said {
    let mut written = Vec::new();
    for Document { path, text } in generated()? {
        let file = repository().join(&path);
        if std::fs::read_to_string(&file).ok().as_deref() != Some(text.as_str()) {
            put(&file, &text)?;
            written.push(path);
        }
    }
    Ok(if written.is_empty() { "nothing has changed".to_owned() } else { format!("wrote {}", written.join(", ")) })
}

/// Says what keeps the documents from being relied on in the place of the released ones.
pub(crate) fn check() -> Said {
    let obstacles = obstacles_since_release()?;
    if obstacles.is_empty() {
        return Ok("nothing breaks who relies on the released contracts".to_owned());
    }
    let lines: Vec<_> = obstacles.iter().map(ToString::to_string).collect();
    Err(format!(
        "this cannot take the place of the released contracts:\n  {}\nRaise `VERSION` in tools/contracts/src/version.rs: the \
         minor version for what is added, the major one for what breaks who calls an API and cannot be added instead. An \
         event never changes so that it breaks somebody: it gets a new type (docs/api/contracts.md).",
        lines.join("\n  ")
    )
    .into())
}

/// Makes the documents as they are the released ones, and leaves nothing of what is none of them any more.
pub(crate) fn release() -> Said {
    check()?;
    let documents = generated()?;
    std::fs::remove_dir_all(released_directory())?;
    for Document { path, text } in &documents {
        put(&released_path(path), text)?;
    }
    Ok(format!("released {} documents as {VERSION}", documents.len()))
}

/// One document of both APIs: links from one to the other lead within it.
pub(crate) fn combined() -> Said {
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
                        return Err(format!("{part}/{name} is not the same in both APIs").into());
                    }
                    _ => {}
                }
            }
        }
    }
    for api in ["payments", "orders"] {
        lead_within(&mut combined, &format!("./{api}.json#"));
    }
    Ok(format!("{combined:#}"))
}

/// Takes the document's name out of references.
fn lead_within(value: &mut Value, document: &str) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("operationRef") {
                *reference = reference.replace(document, "#");
            }
            members.values_mut().for_each(|member| lead_within(member, document));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| lead_within(value, document)),
        _ => {}
    }
}

fn put(file: &std::path::Path, text: &str) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(file, text)
}
