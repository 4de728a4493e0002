//! Which documents there are, and where they are kept.

use std::io;
use std::path::{Path, PathBuf};

use openapi_routes::TwoMeanings;
use serde_json::Value;

use crate::events::EventSchemas;
use crate::release::{self, Documents, Obstacle};
use crate::{asyncapi, openapi};

/// The version of the contracts, which all documents state: raised with the first change after a release, as [`release::obstacles`] asks.
pub const VERSION: &str = "1.1.0";

/// Where the last released documents are, below the repository.
const RELEASED: &str = "docs/api/released";

/// A document, as JSON text that ends with a new line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it is kept, below the repository.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// Why documents could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A file that they are made from cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A problem's page shows no answer.
    #[error("{}: there is no example, or it is no JSON", .0.display())]
    NoExample(PathBuf),
    /// A golden event is none.
    #[error("{}: not JSON: {error}", path.display())]
    Json {
        /// Which file.
        path: PathBuf,
        /// Why not.
        error: serde_json::Error,
    },
    /// What a problem's header may hold is said in no JSON.
    #[error("the schema of the header {0} is no JSON")]
    Header(&'static str),
    /// One name stands for two schemas.
    #[error(transparent)]
    TwoMeanings(#[from] TwoMeanings),
}

/// Where everything is.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every document, as the code has it now.
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

/// What keeps the documents as they are from being relied on in the place of those that were released last.
pub fn obstacles_since_release() -> Result<Vec<Obstacle>, GenerateError> {
    let generated = generated()?;
    let generated = generated.iter().map(|document| Ok((document.path.clone(), value(document)?)));
    Ok(release::obstacles(&released()?, &generated.collect::<Result<_, GenerateError>>()?, VERSION))
}

/// The documents that were released last, by the paths that they were released from.
fn released() -> Result<Documents, GenerateError> {
    let root = released_directory();
    let documents = released_files(&root)?.into_iter().map(|file| {
        let path = file.strip_prefix(&root).unwrap_or(&file);
        Ok((format!("docs/api/{}", path.display()), read(&file)?))
    });
    documents.collect()
}

/// Where the released documents are, and nothing else.
pub fn released_directory() -> PathBuf {
    repository().join(RELEASED)
}

/// Where the released form of a document is kept.
pub fn released_path(path: &str) -> PathBuf {
    repository().join(path.replacen("docs/api", RELEASED, 1))
}

/// All documents below a directory.
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

fn read(path: &Path) -> Result<Value, GenerateError> {
    let text = std::fs::read_to_string(path).map_err(|error| GenerateError::File { path: path.to_owned(), error })?;
    serde_json::from_str(&text).map_err(|error| GenerateError::Json { path: path.to_owned(), error })
}

fn value(document: &Document) -> Result<Value, GenerateError> {
    let failed = |error| GenerateError::Json { path: PathBuf::from(&document.path), error };
    serde_json::from_str(&document.text).map_err(failed)
}

fn document(path: &str, value: &Value) -> Document {
    Document { path: path.to_owned(), text: format!("{value:#}\n") }
}
