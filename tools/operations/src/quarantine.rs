//! Redrive of quarantined records.

use payments_aws::KinesisPublisher;
use quarantine::{QuarantineRecords, RecordId};
use serde::Serialize;
use telemetry::WithCauses;

use crate::images::{is_image, redrive_image};
use crate::republish::NotSent;
use crate::{OperationError, Stack};

/// Outcome of [`redrive`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Redriven {
    /// Ids of records that are back on the stream, or whose payment is published, and that are no longer in quarantine.
    pub sent: Vec<String>,
    /// Records that are still in quarantine. One whose deletion failed is also on the stream.
    pub not_sent: Vec<NotSent>,
}

/// Puts each record back on the stream, with its original bytes and partition key, then deletes it from quarantine.
///
/// A failure between the two steps sends the record twice, which the projector ignores; no record is lost. A record
/// that still cannot be decoded is quarantined again, under its new sequence number.
///
/// An image of the payments table is not sent. Its payment is published from the table if it can be read now, and the image
/// stays in quarantine if not.
pub async fn redrive(stack: &Stack, ids: &[RecordId]) -> Result<Redriven, OperationError> {
    let mut redriven = Redriven::default();
    for id in ids {
        let result = if is_image(id) {
            redrive_image(stack, id).await?
        } else {
            redrive_one(&stack.quarantine()?, &stack.publisher()?, id).await
        };
        match result {
            Ok(()) => redriven.sent.push(id.to_string()),
            Err(reason) => redriven.not_sent.push(NotSent { id: id.to_string(), reason }),
        }
    }
    Ok(redriven)
}

async fn redrive_one(
    quarantine: &QuarantineRecords,
    publisher: &KinesisPublisher,
    id: &RecordId,
) -> Result<(), String> {
    let record = quarantine.load(id).await.map_err(|error| WithCauses(&error).to_string())?;
    let record = record.ok_or("there is no such record in quarantine")?;
    let results = publisher.put_back(&[(record.partition_key, record.data)]).await;
    for result in results {
        result.map_err(|error| WithCauses(&error).to_string())?;
    }
    quarantine.drop(id).await.map_err(|error| format!("sent, but still in quarantine: {}", WithCauses(&error)))?;
    Ok(())
}
