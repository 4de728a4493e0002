//! Errors of generating documents.

use std::io;
use std::path::PathBuf;

use openapi_routes::TwoMeanings;

/// The documents cannot be generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A file that they are made from cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        error: io::Error,
    },
    /// A problem's page has no example answer in JSON.
    #[error("{}: there is no example, or it is no JSON", .0.display())]
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
    #[error("the schema of the header {0} is no JSON")]
    Header(&'static str),
    /// One name stands for two schemas.
    #[error(transparent)]
    TwoMeanings(#[from] TwoMeanings),
}
