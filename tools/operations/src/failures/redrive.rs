//! Sending a batch that was given up once more.

use payments::PaymentStore;
use serde::Serialize;
use telemetry::WithCauses;

use super::record::{BatchKind, Failure};
use crate::republish::{NotSent, Republish, SendReport, SentPayment};
use crate::stack::Resource;
use crate::{OperationError, Stack};

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FailureRedriven {
    /// Which.
    pub id: String,
    /// Records that are back on the stream, or would be.
    pub records: usize,
    /// Payments that are published as they are now, or would be.
    pub payments: Vec<SentPayment>,
    /// Payments of the batch that have been published meanwhile, or have nothing to publish.
    pub settled: usize,
    /// What could not be sent.
    pub not_sent: Vec<NotSent>,
}

/// Sends a batch once more, whose payload must be there.
///
/// A batch of Kinesis goes back on the stream, byte by byte under its partition keys, in order. A batch of changes is only
/// looked at for its payments: those that are still unpublished are published as they are now, never as they were.
pub async fn redrive(stack: &Stack, failure: &Failure) -> Result<FailureRedriven, OperationError> {
    go(stack, failure, false).await
}

/// What [`redrive`] would send.
pub async fn would_redrive(stack: &Stack, failure: &Failure) -> Result<FailureRedriven, OperationError> {
    go(stack, failure, true).await
}

async fn go(stack: &Stack, failure: &Failure, dry_run: bool) -> Result<FailureRedriven, OperationError> {
    let mut redriven = FailureRedriven { id: failure.id.clone(), ..FailureRedriven::default() };
    let sent = match is_ours(stack, failure) {
        Err(reason) => Err(reason),
        Ok(()) if failure.kind == BatchKind::Kinesis => put_back(stack, failure, dry_run, &mut redriven).await?,
        Ok(()) => republish(stack, failure, dry_run, &mut redriven).await?,
    };
    redriven.not_sent.extend(sent.err().map(|reason| NotSent { id: failure.id.clone(), reason }));
    Ok(redriven)
}

/// A bucket may hold the failures of other stacks, too.
fn is_ours(stack: &Stack, failure: &Failure) -> Result<(), String> {
    let (resource, kind) = match failure.kind {
        BatchKind::Kinesis => (Resource::PaymentStream, "stream"),
        BatchKind::DynamoDb => (Resource::PaymentsTable, "table"),
    };
    let name = stack.names().get(resource).unwrap_or_default();
    let mut parts = failure.stream_arn.rsplit(':').next().unwrap_or_default().split('/');
    let is_ours = parts.next() == Some(kind) && parts.next() == Some(name);
    is_ours.then_some(()).ok_or_else(|| format!("it is of {}, and not of {resource} {name}", failure.stream_arn))
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
    Ok(error.map_or(Ok(()), |error| Err(format!("{left} of its records are not sent: {}", WithCauses(&error)))))
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
