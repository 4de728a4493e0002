//! Files of the repository that documents are generated from and written to.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::GenerateError;

/// Directory of the last released documents, below the repository root.
const RELEASED: &str = "docs/api/released";

/// Returns the root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the directory of the released documents, which contains nothing else.
pub fn released_directory() -> PathBuf {
    repository().join(RELEASED)
}

/// Returns the path of a document's released version.
pub fn released_path(path: &str) -> PathBuf {
    repository().join(path.replacen("docs/api", RELEASED, 1))
}

pub(crate) fn read_text(path: &Path) -> Result<String, GenerateError> {
    std::fs::read_to_string(path).map_err(|error| GenerateError::File { path: path.to_owned(), error })
}

pub(crate) fn read_json(path: &Path) -> Result<Value, GenerateError> {
    serde_json::from_str(&read_text(path)?).map_err(|error| GenerateError::Json { path: path.to_owned(), error })
}
