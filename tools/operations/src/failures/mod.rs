//! What event source mappings gave up on, as Lambda writes it to an S3 bucket, and sending it once more.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html> and its page for DynamoDB.

mod bucket;
mod record;
mod redrive;

use std::io;
use std::path::{Path, PathBuf};

pub use bucket::{Bucket, BucketError};
pub use record::{BatchKind, Failure, InvalidFailure};
pub use redrive::{FailureRedriven, redrive, would_redrive};

use crate::OperationError;

/// Objects a bucket or a directory may hold; what is beyond is left out, and told.
const OBJECTS_MAX: usize = 10_000;

/// Where records of failures are.
#[derive(Debug)]
pub enum FailureSource {
    /// In memory, each with a name: what the local environment shows.
    Given(Vec<(String, serde_json::Value)>),
    /// In the files below a directory, as `aws s3 sync` leaves them.
    Directory(PathBuf),
    /// In the bucket.
    Bucket(Box<Bucket>),
}

/// Why records of failures cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FailureSourceError {
    /// A directory cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The bucket cannot be read.
    #[error(transparent)]
    Bucket(#[from] BucketError),
}

/// The failures of a source, without their payloads.
#[derive(Debug, Default)]
pub struct Failures {
    /// Oldest first.
    pub failures: Vec<Failure>,
    /// What is there and is no failure, and why.
    pub unreadable: Vec<InvalidFailure>,
    /// Whether there was more than is read.
    pub is_cut: bool,
}

impl FailureSource {
    /// All there is, oldest first. One payload at a time is in memory.
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

    /// One, with its payload.
    pub async fn load(&self, id: &str) -> Result<Result<Failure, InvalidFailure>, FailureSourceError> {
        let bytes = match self {
            Self::Given(given) => {
                let found = given.iter().find(|(name, _)| name == id);
                let gone = || InvalidFailure { id: id.to_owned(), reason: "there is no such failure".to_owned() };
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

    /// At most one more than are read.
    async fn ids(&self) -> Result<Vec<String>, FailureSourceError> {
        match self {
            Self::Given(given) => Ok(given.iter().map(|(id, _)| id.clone()).collect()),
            Self::Directory(directory) => {
                let mut ids = Vec::new();
                below(directory, directory, &mut ids)?;
                Ok(ids)
            }
            Self::Bucket(bucket) => Ok(bucket.keys(OBJECTS_MAX + 1).await?),
        }
    }
}

/// The files below a directory, by their paths in `root`.
fn below(root: &Path, directory: &Path, ids: &mut Vec<String>) -> Result<(), FailureSourceError> {
    let io = |source| FailureSourceError::Io { path: directory.to_owned(), source };
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let entry = entry.map_err(io)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(io)?);
        if ids.len() > OBJECTS_MAX {
            return Ok(());
        }
        if kind.is_dir() {
            below(root, &path, ids)?;
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
