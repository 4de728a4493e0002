//! Redrive of failed batches.

use payments::PaymentStore;
use serde::Serialize;
use telemetry::WithCauses;

use super::record::{BatchKind, Failure};
use crate::republish::{NotSent, Republish, SendReport, SentPayment};
use crate::stack::Resource;
use crate::{OperationError, Stack};

/// Outcome of redriving a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FailureRedriven {
    /// Id of the failed batch.
    pub id: String,
    /// Number of records put back on the stream; in a dry run, that would be.
    pub records: usize,
    /// Payments published at their current version; in a dry run, that would be.
    pub payments: Vec<SentPayment>,
    /// Number of payments in the batch without an outbox mark: already published, or nothing to publish.
    pub settled: usize,
    /// Records or payments that could not be sent.
    pub not_sent: Vec<NotSent>,
}

/// Redrives a batch, which must have its payload.
///
/// Kinesis records go back on the stream in order, with their original bytes and partition keys. A batch of the change
/// stream only names payments: those that still have their outbox mark are published at their current version, never an
/// old one.
pub async fn redrive(stack: &Stack, failure: &Failure) -> Result<FailureRedriven, OperationError> {
    redrive_batch(stack, failure, false).await
}

/// Returns what [`redrive`] would send.
pub async fn would_redrive(stack: &Stack, failure: &Failure) -> Result<FailureRedriven, OperationError> {
    redrive_batch(stack, failure, true).await
}

async fn redrive_batch(stack: &Stack, failure: &Failure, dry_run: bool) -> Result<FailureRedriven, OperationError> {
    let mut redriven = FailureRedriven { id: failure.id.clone(), ..FailureRedriven::default() };
    let sent = match check_source(stack, failure) {
        Err(reason) => Err(reason),
        Ok(()) if failure.kind == BatchKind::Kinesis => put_back(stack, failure, dry_run, &mut redriven).await?,
        Ok(()) => republish(stack, failure, dry_run, &mut redriven).await?,
    };
    redriven.not_sent.extend(sent.err().map(|reason| NotSent { id: failure.id.clone(), reason }));
    Ok(redriven)
}

/// Rejects batches of other stacks, which may share the bucket.
fn check_source(stack: &Stack, failure: &Failure) -> Result<(), String> {
    let (resource, kind) = match failure.kind {
        BatchKind::Kinesis => (Resource::PaymentStream, "stream"),
        BatchKind::DynamoDb => (Resource::PaymentsTable, "table"),
    };
    let name = stack.names().get(resource).unwrap_or_default();
    let mut parts = failure.stream_arn.rsplit(':').next().unwrap_or_default().split('/');
    let is_same = parts.next() == Some(kind) && parts.next() == Some(name);
    is_same.then_some(()).ok_or_else(|| format!("comes from {}, not from {resource} {name}", failure.stream_arn))
}

async fn put_back(
    stack: &Stack,
    failure: &Failure,
    dry_run: bool,
    redriven: &mut FailureRedriven,
) -> Result<Result<(), String>, OperationError> {
    let records = match failure.kinesis_records() {
        Ok(records) => records,
        Err(reason) => return Ok(Err(reason)),
    };
    if dry_run {
        redriven.records = records.len();
        return Ok(Ok(()));
    }
    let results = stack.publisher()?.put_back(&records).await;
    redriven.records = results.iter().filter(|result| result.is_ok()).count();
    let left = results.len() - redriven.records;
    let error = results.into_iter().find_map(Result::err);
    Ok(error.map_or(Ok(()), |error| Err(format!("{left} of its records were not sent: {}", WithCauses(&error)))))
}

async fn republish(
    stack: &Stack,
    failure: &Failure,
    dry_run: bool,
    redriven: &mut FailureRedriven,
) -> Result<Result<(), String>, OperationError> {
    let ids = match failure.changed_payments() {
        Ok(ids) => ids,
        Err(reason) => return Ok(Err(reason)),
    };
    let republish = Republish::new(stack)?;
    let mut due = Vec::new();
    for id in &ids {
        due.extend(republish.table().load(id).await?.filter(|record| record.unpublished));
    }
    redriven.settled = ids.len() - due.len();
    if dry_run {
        redriven.payments = due.iter().filter_map(SentPayment::of).collect();
        return Ok(Ok(()));
    }
    let mut report = SendReport::default();
    republish.send(&due, &mut report).await;
    redriven.payments = report.sent;
    redriven.not_sent = report.not_sent;
    Ok(Ok(()))
}
