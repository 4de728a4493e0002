//! Quarantined images of the payments table, and the tables in which either service quarantines.

use std::error::Error;

use payment_events::PaymentId;
use payments::{PaymentStore, Status, StoreError};
use payments_aws::InvalidItem;
use quarantine::{QuarantineRecords, QuarantinedRecord, RecordId, RecordSummary};
use telemetry::WithCauses;

use crate::outcome::RecordOutcome;
use crate::republish::{From, Republish, SendReport};
use crate::stack::Resource;
use crate::undecided::{NotRequested, request_recovery};
use crate::{OperationError, Stack};

impl Stack {
    /// Returns the newest `records_max` records that either service quarantined, newest first. A table whose name is not
    /// known is left out, but one must be known.
    pub async fn quarantined(&self, records_max: usize) -> Result<Vec<RecordSummary>, OperationError> {
        let tables = [Resource::QuarantineTable, Resource::PaymentsQuarantineTable];
        let known = |table: &Resource| self.names().get(*table).is_some();
        if !tables.iter().any(known) {
            return Err(OperationError::NameMissing(Resource::QuarantineTable));
        }
        let mut records = Vec::new();
        for table in tables.into_iter().filter(known) {
            records.extend(self.quarantine_in(table)?.list(records_max).await?);
        }
        records.sort_by(|a, b| (b.quarantined_at, &b.id).cmp(&(a.quarantined_at, &a.id)));
        records.truncate(records_max);
        Ok(records)
    }

    /// Returns the table that the id belongs to.
    pub fn quarantine_of(&self, id: &RecordId) -> Result<QuarantineRecords, OperationError> {
        self.quarantine_in(if is_image(id) { Resource::PaymentsQuarantineTable } else { Resource::QuarantineTable })
    }
}

/// True if the record is an image of the payments table.
pub(crate) fn is_image(id: &RecordId) -> bool {
    id.source() == RecordId::PAYMENTS_TABLE
}

/// Publishes the payment of an image as it is in the payments table now, unless it is known to be published already, or
/// requests the recovery of a payment that is processing. Then deletes the image from quarantine.
pub(crate) async fn redrive_image(stack: &Stack, id: &RecordId) -> Result<RecordOutcome, OperationError> {
    let (quarantine, republish) = (stack.quarantine_of(id)?, Republish::new(stack)?);
    let outcome = match quarantine.load(id).await {
        Ok(Some(image)) => send_again(&republish, &image).await,
        Ok(None) => return Ok(RecordOutcome::not_sent("there is no such record in quarantine")),
        Err(error) => return Ok(RecordOutcome::not_sent(&WithCauses(&error).to_string())),
    };
    if !outcome.is_success() {
        return Ok(outcome);
    }
    Ok(match quarantine.drop(id).await {
        Ok(_) => outcome,
        Err(error) => {
            let reason = format!("{}, but still in quarantine: {}", outcome.as_str(), WithCauses(&error));
            RecordOutcome::Unknown { reason }
        }
    })
}

async fn send_again(republish: &Republish, image: &QuarantinedRecord) -> RecordOutcome {
    let payment_id: PaymentId = match image.partition_key.parse() {
        Ok(payment_id) => payment_id,
        Err(error) => return RecordOutcome::StillUnreadable { reason: format!("its key {error}") },
    };
    let record = match republish.table().load(&payment_id).await {
        Ok(Some(record)) => record,
        Ok(None) => {
            let reason = "the payments table has no such payment; drop the record if it was deleted on purpose";
            return RecordOutcome::not_sent(reason);
        }
        Err(error) => return not_read(&error),
    };
    if record.payment.status == Status::Processing {
        return match request_recovery(republish.table(), &record).await {
            Ok(()) => RecordOutcome::Recovering,
            Err(NotRequested::Store(error)) => not_read(&error),
            Err(error) => RecordOutcome::not_sent(&error.to_string()),
        };
    }
    if !republish.is_due(&record) {
        return RecordOutcome::Published;
    }
    let mut report = SendReport::default();
    republish.send(&[record], From::Position, &mut report).await;
    report.not_sent.pop().map_or(RecordOutcome::Published, |left| RecordOutcome::NotSent { reason: left.reason })
}

/// Outcome of a payment that could not be read: its item cannot be decoded, or the call failed.
fn not_read(error: &StoreError) -> RecordOutcome {
    match error.source.downcast_ref::<InvalidItem>() {
        Some(item) => RecordOutcome::StillUnreadable { reason: item.to_string() },
        None => RecordOutcome::not_sent(&WithCauses(error as &dyn Error).to_string()),
    }
}
