//! Contract documents: generated and last released.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::GenerateError;
use crate::events::EventSchemas;
use crate::release::{self, Documents, Obstacle};
use crate::repository::{read_json, released_directory};
use crate::version::VERSION;
use crate::{asyncapi, openapi};

/// A generated document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Path below the repository root.
    pub path: String,
    /// JSON text that ends with a newline.
    pub text: String,
}

/// Generates every document from the code.
pub fn generated() -> Result<Vec<Document>, GenerateError> {
    let mut documents = vec![
        document("docs/api/openapi/payments.json", &openapi::payments()?),
        document("docs/api/openapi/orders.json", &openapi::orders()?),
        document("docs/api/asyncapi.json", &asyncapi::document()?),
    ];
    for (event_type, schema) in EventSchemas::new().standalone() {
        documents.push(document(&format!("docs/api/events/{event_type}.schema.json"), &schema));
    }
    Ok(documents)
}

/// Returns the obstacles to replacing the last released documents with the generated ones.
pub fn obstacles_since_release() -> Result<Vec<Obstacle>, GenerateError> {
    let generated = generated()?;
    let generated = generated.iter().map(|document| Ok((document.path.clone(), value(document)?)));
    Ok(release::obstacles(&released()?, &generated.collect::<Result<_, GenerateError>>()?, VERSION))
}

/// Reads the last released documents, keyed by the paths that they were released from.
fn released() -> Result<Documents, GenerateError> {
    let root = released_directory();
    let documents = released_files(&root)?.into_iter().map(|file| {
        let path = file.strip_prefix(&root).unwrap_or(&file);
        Ok((format!("docs/api/{}", path.display()), read_json(&file)?))
    });
    documents.collect()
}

/// Lists all JSON files below a directory.
fn released_files(directory: &Path) -> Result<Vec<PathBuf>, GenerateError> {
    let failed = |error| GenerateError::File { path: directory.to_owned(), error };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            files.extend(released_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(files)
}

fn value(document: &Document) -> Result<Value, GenerateError> {
    let failed = |error| GenerateError::Json { path: PathBuf::from(&document.path), error };
    serde_json::from_str(&document.text).map_err(failed)
}

fn document(path: &str, value: &Value) -> Document {
    Document { path: path.to_owned(), text: format!("{value:#}\n") }
}
