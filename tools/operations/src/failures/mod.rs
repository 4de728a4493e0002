//! Batches in the on-failure destination, as Lambda writes them to S3, and their redrive.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html>, its page for DynamoDB, and
//! <https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html>. A mapping of RabbitMQ has no such destination: its
//! failed messages go to a dead-letter queue.

mod bucket;
mod dead_letters;
mod kafka;
mod local;
mod record;
mod redrive;

use std::io;
use std::path::{Path, PathBuf};

use paystream_client::ApiError;

pub use bucket::{Bucket, BucketError};
pub use dead_letters::{DeadLettersError, DeadLettersRedriven, redrive_dead_letters};
pub use kafka::FailedPartition;
pub use local::LocalFailures;
pub use record::{BatchKind, Failure, InvalidFailure};
pub use redrive::{FailureRedriven, redrive, would_redrive};

use crate::OperationError;

/// Maximum objects read from a bucket or directory; [`Failures::is_cut`] reports that there are more.
const OBJECTS_MAX: usize = 10_000;

/// Suffix of a file whose batch is closed.
const CLOSED_SUFFIX: &str = ".redriven";

/// Location of failure records.
#[derive(Debug)]
pub enum FailureSource {
    /// List of a local environment.
    Local(Box<LocalFailures>),
    /// Files below a directory, as `aws s3 sync` writes them. Files with the suffix `.redriven` are closed.
    Directory(PathBuf),
    /// Objects of an S3 bucket.
    Bucket(Box<Bucket>),
}

/// Error of reading failure records.
#[derive(Debug, thiserror::Error)]
pub enum FailureSourceError {
    /// A file or directory could not be read or renamed.
    #[error("cannot read or rename {}", path.display())]
    Io {
        /// Path of the file or directory.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The local environment did not answer as expected.
    #[error("the local environment's list of failed batches: {0}")]
    Local(#[from] ApiError),
    /// The bucket could not be read or written.
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
            Self::Local(local) => {
                let gone = || InvalidFailure { id: id.to_owned(), reason: "no such failure record".to_owned() };
                return Ok(local.get(id).ok_or_else(gone).and_then(|record| Failure::read(id, record.clone())));
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

    /// Removes a batch whose records are all handled: from the list or the bucket, or by renaming the file, which keeps it
    /// for inspection.
    pub async fn close(&self, id: &str) -> Result<(), FailureSourceError> {
        match self {
            Self::Local(local) => Ok(local.remove(id).await?),
            Self::Directory(directory) => {
                let path = directory.join(id);
                let closed = directory.join(format!("{id}{CLOSED_SUFFIX}"));
                std::fs::rename(&path, closed).map_err(|source| FailureSourceError::Io { path, source })
            }
            Self::Bucket(bucket) => Ok(bucket.delete(id).await?),
        }
    }

    /// Ids of all objects, at most one more than are read.
    async fn ids(&self) -> Result<Vec<String>, FailureSourceError> {
        match self {
            Self::Local(local) => Ok(local.ids().map(str::to_owned).collect()),
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
            && !id.ends_with(CLOSED_SUFFIX)
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
