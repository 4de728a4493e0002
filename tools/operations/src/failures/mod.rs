//! Batches in the on-failure destination, as Lambda writes them to S3, and their redrive.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html> and its page for
//! DynamoDB.

mod bucket;
mod record;
mod redrive;

use std::io;
use std::path::{Path, PathBuf};

pub use bucket::{Bucket, BucketError};
pub use record::{BatchKind, Failure, InvalidFailure};
pub use redrive::{FailureRedriven, redrive, would_redrive};

use crate::OperationError;

/// Maximum objects read from a bucket or directory; [`Failures::is_cut`] reports that there are more.
const OBJECTS_MAX: usize = 10_000;

/// Location of failure records.
#[derive(Debug)]
pub enum FailureSource {
    /// In memory, each with an id: records of the local environment.
    Given(Vec<(String, serde_json::Value)>),
    /// Files below a directory, as `aws s3 sync` writes them.
    Directory(PathBuf),
    /// Objects of an S3 bucket.
    Bucket(Box<Bucket>),
}

/// Error of reading failure records.
#[derive(Debug, thiserror::Error)]
pub enum FailureSourceError {
    /// A file or directory could not be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// Path of the file or directory.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The bucket could not be read.
    #[error(transparent)]
    Bucket(#[from] BucketError),
}

/// Failed batches of a source, without their payloads.
#[derive(Debug, Default)]
pub struct Failures {
    /// Failed batches, oldest first.
    pub failures: Vec<Failure>,
    /// Objects that are not failure records, with the reason.
    pub unreadable: Vec<InvalidFailure>,
    /// True if there were more objects than are read.
    pub is_cut: bool,
}

impl FailureSource {
    /// Lists all failed batches, oldest first. Holds one payload in memory at a time.
    pub async fn list(&self) -> Result<Failures, FailureSourceError> {
        let mut ids = self.ids().await?;
        let mut list = Failures { is_cut: ids.len() > OBJECTS_MAX, ..Failures::default() };
        ids.truncate(OBJECTS_MAX);
        for id in ids {
            match self.load(&id).await? {
                Ok(failure) => list.failures.push(Failure { payload: None, ..failure }),
                Err(invalid) => list.unreadable.push(invalid),
            }
        }
        list.failures.sort_by(|a, b| (&a.at, &a.id).cmp(&(&b.at, &b.id)));
        Ok(list)
    }

    /// Reads one failed batch with its payload.
    pub async fn load(&self, id: &str) -> Result<Result<Failure, InvalidFailure>, FailureSourceError> {
        let bytes = match self {
            Self::Given(given) => {
                let found = given.iter().find(|(name, _)| name == id);
                let gone = || InvalidFailure { id: id.to_owned(), reason: "no such failure record".to_owned() };
                return Ok(found.ok_or_else(gone).and_then(|(name, value)| Failure::read(name, value.clone())));
            }
            Self::Directory(directory) => {
                let path = directory.join(id);
                std::fs::read(&path).map_err(|source| FailureSourceError::Io { path, source })?
            }
            Self::Bucket(bucket) => bucket.get(id).await?,
        };
        let value = serde_json::from_slice(&bytes);
        let value = value.map_err(|error| InvalidFailure { id: id.to_owned(), reason: format!("not JSON: {error}") });
        Ok(value.and_then(|value| Failure::read(id, value)))
    }

    /// Ids of all objects, at most one more than are read.
    async fn ids(&self) -> Result<Vec<String>, FailureSourceError> {
        match self {
            Self::Given(given) => Ok(given.iter().map(|(id, _)| id.clone()).collect()),
            Self::Directory(directory) => {
                let mut ids = Vec::new();
                collect_files(directory, directory, &mut ids)?;
                Ok(ids)
            }
            Self::Bucket(bucket) => Ok(bucket.keys(OBJECTS_MAX + 1).await?),
        }
    }
}

/// Collects the files below a directory, as paths relative to `root`.
fn collect_files(root: &Path, directory: &Path, ids: &mut Vec<String>) -> Result<(), FailureSourceError> {
    let io = |source| FailureSourceError::Io { path: directory.to_owned(), source };
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let entry = entry.map_err(io)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(io)?);
        if ids.len() > OBJECTS_MAX {
            return Ok(());
        }
        if kind.is_dir() {
            collect_files(root, &path, ids)?;
        } else if kind.is_file()
            && let Some(id) = path.strip_prefix(root).ok().and_then(Path::to_str)
        {
            ids.push(id.to_owned());
        }
    }
    Ok(())
}

impl From<FailureSourceError> for OperationError {
    fn from(error: FailureSourceError) -> Self {
        Self::Failures(error)
    }
}
