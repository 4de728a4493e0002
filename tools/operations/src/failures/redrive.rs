//! Redrive of failed batches.

use std::time::Duration;

use payments::{PaymentRecord, PaymentStore, PublishError, Status};
use quarantine::RecordId;
use serde::Serialize;
use telemetry::WithCauses;

use super::FailureSource;
use super::kafka::{KafkaBatchRecord, new_quarantine_id};
use super::record::{BatchKind, BatchRecord, Failure};
use crate::outcome::{Awaited, Outcomes, RecordOutcome, RedrivenRecord, quarantine_id};
use crate::progress::Watch;
use crate::republish::{From, NotSent, Republish, SendReport, SentPayment, is_due};
use crate::stack::Resource;
use crate::undecided::request_recovery;
use crate::{OperationError, Stack};

/// Records that are sent before their outcomes are awaited. It bounds what a redrive holds besides its result.
const AWAITED_MAX: usize = 1_000;

/// Outcome of redriving a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FailureRedriven {
    /// Id of the failed batch.
    pub id: String,
    /// Number of records put back on the stream or topic; in a dry run, that would be.
    pub records: usize,
    /// Payments published at their current version; in a dry run, that would be.
    pub payments: Vec<SentPayment>,
    /// Number of payments in the batch that are processing, and put on the change stream again for `payment-recovery`; in a
    /// dry run, that would be.
    pub recovering: usize,
    /// Number of the other payments in the batch: already published, or erased.
    pub settled: usize,
    /// Records or payments that could not be sent.
    pub not_sent: Vec<NotSent>,
    /// Outcome of each record of a batch of the hub, by the id that it would have in quarantine, and of each payment that
    /// was published.
    pub outcomes: Vec<RedrivenRecord>,
    /// True if the batch was removed from its source, because all its records are handled.
    pub is_closed: bool,
    /// Why a handled batch could not be removed from its source.
    pub not_closed: Option<String>,
}

impl FailureRedriven {
    fn of(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    /// True if Orders has processed all records, and the batch is closed.
    pub fn is_success(&self) -> bool {
        self.is_closed && self.outcomes.iter().all(|record| record.outcome.is_success())
    }

    fn is_handled(&self) -> bool {
        self.not_sent.is_empty() && self.outcomes.iter().all(|record| record.outcome.is_handled())
    }

    fn fail(&mut self, reason: String) {
        self.not_sent.push(NotSent { id: self.id.clone(), reason });
    }
}

/// Redrives batches, which must have their payloads, and returns the outcome of each. Spends at most `wait_max` on waiting
/// for the outcomes.
///
/// Kinesis records go back on the stream in order, with their original bytes and partition keys; Kafka records go back on
/// the topic, with their keys, values and headers. The projector stores them, or quarantines those that it cannot process. A batch of the change stream only names payments: those with
/// versions after their outbox position are published from there, and those that are processing are put on the change stream
/// again, whether the relay's mapping or the recovery's gave the batch up. One that cannot be read does not hold up the others.
///
/// A batch is closed ([`FailureSource::close`]) once all its records are handled ([`RecordOutcome::is_handled`]). Holds one
/// payload in memory at a time, and the outcome of each record: about 200 bytes.
pub async fn redrive(
    stack: &Stack,
    source: &FailureSource,
    ids: &[String],
    wait_max: Duration,
    watch: Watch<'_>,
) -> Result<Vec<FailureRedriven>, OperationError> {
    let mut outcomes = Outcomes::new(stack, wait_max)?;
    let mut redriven = Vec::with_capacity(ids.len());
    let mut group = Group::default();
    for id in ids {
        let mut batch = FailureRedriven::of(id);
        match load(stack, source, id).await {
            Ok(contents) => group.awaited.extend(send(stack, contents, &outcomes, &mut batch).await?),
            Err(reason) => batch.fail(reason),
        }
        group.batches.push((batch, group.awaited.len()));
        if group.awaited.len() >= AWAITED_MAX {
            redriven.extend(std::mem::take(&mut group).finish(source, &mut outcomes, watch).await);
        }
    }
    redriven.extend(group.finish(source, &mut outcomes, watch).await);
    Ok(redriven)
}

/// Returns what [`redrive`] would send of a batch.
pub async fn would_redrive(stack: &Stack, source: &FailureSource, id: &str) -> FailureRedriven {
    let mut batch = FailureRedriven::of(id);
    match load(stack, source, id).await {
        Err(reason) => batch.fail(reason),
        Ok(Contents::Kinesis(records)) => batch.records = records.len(),
        Ok(Contents::Kafka(records)) => batch.records = records.len(),
        Ok(Contents::Payments { due, processing, not_read, settled }) => {
            batch.settled = settled;
            batch.recovering = processing.len();
            batch.not_sent = not_read;
            batch.payments = due.iter().filter_map(SentPayment::of).collect();
        }
    }
    batch
}

/// Batches that were sent and whose outcomes are awaited together.
#[derive(Default)]
struct Group {
    /// Batches, each with the number of awaited records up to its last one.
    batches: Vec<(FailureRedriven, usize)>,
    awaited: Vec<Awaited>,
}

impl Group {
    /// Waits for the outcomes, and closes the batches that are handled.
    async fn finish(self, source: &FailureSource, outcomes: &mut Outcomes, watch: Watch<'_>) -> Vec<FailureRedriven> {
        let mut known = outcomes.wait(self.awaited, watch).await.into_iter();
        let (mut redriven, mut taken) = (Vec::with_capacity(self.batches.len()), 0);
        for (mut batch, until) in self.batches {
            batch.outcomes.extend(known.by_ref().take(until.saturating_sub(taken)));
            taken = until;
            if batch.is_handled() {
                match source.close(&batch.id).await {
                    Ok(()) => batch.is_closed = true,
                    Err(error) => batch.not_closed = Some(WithCauses(&error).to_string()),
                }
            }
            redriven.push(batch);
        }
        redriven
    }
}

/// Reads a batch, and returns its contents or the reason why it cannot be sent again.
async fn load(stack: &Stack, source: &FailureSource, id: &str) -> Result<Contents, String> {
    let loaded = source.load(id).await.map_err(|error| WithCauses(&error).to_string())?;
    contents(stack, &loaded.map_err(|invalid| invalid.reason)?).await
}

/// Contents of a batch to send again.
enum Contents {
    Kinesis(Vec<BatchRecord>),
    Kafka(Vec<KafkaBatchRecord>),
    Payments {
        /// Payments with versions after their outbox position.
        due: Vec<PaymentRecord>,
        /// Payments that are processing.
        processing: Vec<PaymentRecord>,
        /// Payments that could not be read. They do not hold up the others.
        not_read: Vec<NotSent>,
        /// Number of the other payments.
        settled: usize,
    },
}

async fn contents(stack: &Stack, failure: &Failure) -> Result<Contents, String> {
    check_source(stack, failure)?;
    match failure.kind {
        BatchKind::Kinesis => return failure.kinesis_records().map(Contents::Kinesis),
        BatchKind::Kafka => return failure.kafka_records().map(Contents::Kafka),
        BatchKind::DynamoDb => {}
    }
    let keeps_positions = stack.keeps_positions().map_err(|error| error.to_string())?;
    let is_due = |record: &PaymentRecord| is_due(record, keeps_positions);
    let ids = failure.changed_payments()?;
    let table = stack.payments().map_err(|error| error.to_string())?;
    let (mut due, mut processing, mut not_read) = (Vec::new(), Vec::new(), Vec::new());
    for id in &ids {
        match table.load(id).await {
            Ok(Some(record)) if record.payment.status == Status::Processing => processing.push(record),
            Ok(record) => due.extend(record.filter(is_due)),
            Err(error) => not_read.push(NotSent { id: id.to_string(), reason: WithCauses(&error).to_string() }),
        }
    }
    let settled = ids.len().saturating_sub(due.len() + processing.len() + not_read.len());
    Ok(Contents::Payments { due, processing, not_read, settled })
}

/// Rejects batches of other stacks, which may share the bucket.
fn check_source(stack: &Stack, failure: &Failure) -> Result<(), String> {
    let (resource, kind) = match failure.kind {
        BatchKind::Kinesis => (Resource::PaymentStream, "stream"),
        BatchKind::DynamoDb => (Resource::PaymentsTable, "table"),
        BatchKind::Kafka => {
            let topic = stack.kafka_topic().map_err(|error| error.to_string())?;
            let other = failure.topics().find(|other| *other != topic);
            return other.map_or(Ok(()), |other| Err(format!("comes from topic {other}, not from {topic}")));
        }
    };
    let name = stack.names().get(resource).unwrap_or_default();
    let mut parts = failure.stream_arn.rsplit(':').next().unwrap_or_default().split('/');
    let is_same = parts.next() == Some(kind) && parts.next() == Some(name);
    is_same.then_some(()).ok_or_else(|| format!("comes from {}, not from {resource} {name}", failure.stream_arn))
}

/// Sends a batch. Returns the records whose outcome is to be awaited.
async fn send(
    stack: &Stack,
    contents: Contents,
    outcomes: &Outcomes,
    batch: &mut FailureRedriven,
) -> Result<Vec<Awaited>, OperationError> {
    match contents {
        Contents::Kinesis(records) => put_back_on_stream(stack, records, outcomes, batch).await,
        Contents::Kafka(records) => put_back_on_topic(stack, records, outcomes, batch).await,
        Contents::Payments { due, processing, not_read, settled } => {
            batch.settled = settled;
            let unrequested = request_recoveries(stack, &processing, batch).await?;
            let not_read = [not_read, unrequested].concat();
            republish(stack, &due, not_read, outcomes, batch).await
        }
    }
}

async fn put_back_on_stream(
    stack: &Stack,
    records: Vec<BatchRecord>,
    outcomes: &Outcomes,
    batch: &mut FailureRedriven,
) -> Result<Vec<Awaited>, OperationError> {
    let mut awaited = Vec::with_capacity(records.len());
    let mut data = Vec::with_capacity(records.len());
    for record in records {
        let expected = outcomes.expect(&record.data).await;
        awaited.push(Awaited { id: record.id.to_string(), expected, new_id: None });
        data.push((record.partition_key, record.data));
    }
    let results = stack.kinesis_publisher()?.put_back(&data).await;
    let results = results.into_iter().map(|result| result.map(|position| quarantine_id(&position)));
    Ok(note_sent(awaited.into_iter().zip(results), batch))
}

async fn put_back_on_topic(
    stack: &Stack,
    records: Vec<KafkaBatchRecord>,
    outcomes: &Outcomes,
    batch: &mut FailureRedriven,
) -> Result<Vec<Awaited>, OperationError> {
    let mut awaited = Vec::with_capacity(records.len());
    for record in &records {
        let expected = outcomes.expect(record.message.value.as_deref().unwrap_or_default()).await;
        awaited.push(Awaited { id: record.id.to_string(), expected, new_id: None });
    }
    let messages: Vec<_> = records.into_iter().map(|record| record.message).collect();
    let (publisher, topic) = (stack.kafka_publisher()?, stack.kafka_topic()?);
    let results = publisher.put_back(messages.clone()).await.into_iter().zip(&messages);
    let results = results.map(|(result, message)| result.map(|position| new_quarantine_id(topic, &position, message)));
    Ok(note_sent(awaited.into_iter().zip(results), batch))
}

/// Notes which records were sent, each with the id that it has if it is quarantined. Returns those.
fn note_sent(
    results: impl Iterator<Item = (Awaited, Result<RecordId, PublishError>)>,
    batch: &mut FailureRedriven,
) -> Vec<Awaited> {
    let (mut sent, mut first_error) = (Vec::new(), None);
    for (record, result) in results {
        match result {
            Ok(new_id) => sent.push(Awaited { new_id: Some(new_id), ..record }),
            Err(error) => {
                let reason = WithCauses(&error).to_string();
                first_error.get_or_insert_with(|| reason.clone());
                batch.outcomes.push(RedrivenRecord { id: record.id, outcome: RecordOutcome::NotSent { reason } });
            }
        }
    }
    batch.records = sent.len();
    if let Some(error) = first_error {
        batch.fail(format!("{} of its records were not sent: {error}", batch.outcomes.len()));
    }
    sent
}

/// Puts payments that are processing on the change stream again. Returns those for which that failed.
async fn request_recoveries(
    stack: &Stack,
    processing: &[PaymentRecord],
    batch: &mut FailureRedriven,
) -> Result<Vec<NotSent>, OperationError> {
    let table = stack.payments()?;
    let mut failed = Vec::new();
    for record in processing {
        let id = record.payment.payment_id.to_string();
        match request_recovery(&table, record).await {
            Ok(()) => {
                batch.recovering += 1;
                batch.outcomes.push(RedrivenRecord { id, outcome: RecordOutcome::Recovering });
            }
            Err(error) => failed.push(NotSent { id, reason: WithCauses(&error).to_string() }),
        }
    }
    Ok(failed)
}

async fn republish(
    stack: &Stack,
    due: &[PaymentRecord],
    not_read: Vec<NotSent>,
    outcomes: &Outcomes,
    batch: &mut FailureRedriven,
) -> Result<Vec<Awaited>, OperationError> {
    let mut awaited = Vec::with_capacity(due.len());
    for payment in due.iter().filter_map(SentPayment::of) {
        let id = payment.payment_id.to_string();
        awaited.push(Awaited { id, expected: Some(outcomes.expect_payment(payment).await), new_id: None });
    }
    let mut report = SendReport { not_sent: not_read, ..SendReport::default() };
    Republish::new(stack)?.send(due, From::Position, &mut report).await;
    for left in &report.not_sent {
        awaited.retain(|record| record.id != left.id);
        let outcome = RecordOutcome::NotSent { reason: left.reason.clone() };
        batch.outcomes.push(RedrivenRecord { id: left.id.clone(), outcome });
    }
    batch.payments = report.sent;
    batch.not_sent = report.not_sent;
    Ok(awaited)
}
