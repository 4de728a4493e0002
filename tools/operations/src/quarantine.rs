//! Sending records that were set aside once more.

use orders_aws::{QuarantineRecords, RecordId};
use payments_aws::KinesisPublisher;
use serde::Serialize;
use telemetry::WithCauses;

use crate::republish::NotSent;
use crate::{OperationError, Stack};

/// What became of records to send once more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Redriven {
    /// Those that are on the stream, and no longer in quarantine.
    pub sent: Vec<String>,
    /// Those that are not on the stream, or may be and are still in quarantine.
    pub not_sent: Vec<NotSent>,
}

/// Puts each record back on the stream, byte by byte under its partition key, and then drops it.
///
/// In this order a record may be sent twice, which changes nothing, and none is lost. One that still cannot be read is set
/// aside again, under its new place in the stream.
pub async fn redrive(stack: &Stack, ids: &[RecordId]) -> Result<Redriven, OperationError> {
    let (quarantine, publisher) = (stack.quarantine()?, stack.publisher()?);
    let mut redriven = Redriven::default();
    for id in ids {
        match redrive_one(&quarantine, &publisher, id).await {
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
