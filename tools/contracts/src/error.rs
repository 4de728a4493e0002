//! Errors of generating documents.

use std::io;
use std::path::PathBuf;

use openapi_routes::TwoMeanings;

/// Error of generating the documents.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A source file cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        error: io::Error,
    },
    /// The page of a problem type has no valid example in JSON.
    #[error("{}: the example is missing or is not valid JSON", .0.display())]
    NoExample(PathBuf),
    /// A golden event or a released document is not valid JSON.
    #[error("{}: not JSON: {error}", path.display())]
    Json {
        /// Path of the file.
        path: PathBuf,
        /// Error of the parser.
        error: serde_json::Error,
    },
    /// The schema of a problem's header is not valid JSON.
    #[error("the schema of the header {0} is not valid JSON")]
    Header(&'static str),
    /// One name stands for two schemas.
    #[error(transparent)]
    TwoMeanings(#[from] TwoMeanings),
}
