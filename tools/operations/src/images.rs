//! Quarantined images of the payments table, and the tables in which either service quarantines.

use std::error::Error;

use payment_events::PaymentId;
use payments::{PaymentStore, StoreError};
use payments_aws::InvalidItem;
use quarantine::{QuarantineRecords, QuarantinedRecord, RecordId, RecordSummary};
use telemetry::WithCauses;

use crate::republish::{Republish, SendReport};
use crate::stack::Resource;
use crate::{OperationError, Stack};

/// Start of the reason if the payment cannot be decoded.
pub(crate) const STILL_UNREADABLE: &str = "still unreadable: ";

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

/// Publishes the payment of an image as it is in the payments table now, unless it is published already, then deletes the
/// image from quarantine. The inner error is the reason why the image is still in quarantine.
pub(crate) async fn redrive_image(stack: &Stack, id: &RecordId) -> Result<Result<(), String>, OperationError> {
    let (quarantine, republish) = (stack.quarantine_of(id)?, Republish::new(stack)?);
    let redriven = async {
        let image = quarantine.load(id).await.map_err(|error| WithCauses(&error).to_string())?;
        publish(&republish, &image.ok_or("there is no such record in quarantine")?).await?;
        let dropped = quarantine.drop(id).await;
        dropped.map_err(|error| format!("published, but still in quarantine: {}", WithCauses(&error)))?;
        Ok(())
    };
    Ok(redriven.await)
}

async fn publish(republish: &Republish, image: &QuarantinedRecord) -> Result<(), String> {
    let payment_id: PaymentId =
        image.partition_key.parse().map_err(|error| format!("{STILL_UNREADABLE}its key {error}"))?;
    let stored = republish.table().load(&payment_id).await.map_err(|error| not_read(&error))?;
    let record =
        stored.ok_or("the payments table has no such payment; drop the record if it was deleted on purpose")?;
    if !record.unpublished {
        return Ok(());
    }
    let mut report = SendReport::default();
    republish.send(&[record], &mut report).await;
    report.not_sent.pop().map_or(Ok(()), |left| Err(left.reason))
}

/// Returns why the payment could not be read: its item, or a failed call.
fn not_read(error: &StoreError) -> String {
    match error.source.downcast_ref::<InvalidItem>() {
        Some(item) => format!("{STILL_UNREADABLE}{item}"),
        None => WithCauses(error as &dyn Error).to_string(),
    }
}
