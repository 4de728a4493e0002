//! Images of the payments table.

use payment_events::{PaymentId, Timestamp};
use quarantine::{QuarantinedRecord, Reason, RecordId};
use serde_json::value::RawValue;

/// An image of the payments table, as the change stream delivers it.
#[derive(Debug)]
pub struct Image {
    /// Key of the item; `None` if the record has no readable key.
    pub key: Option<String>,
    /// Sequence number in the change stream.
    pub sequence_number: String,
    /// Approximate time of the write, in milliseconds since the Unix epoch.
    pub written_at_unix_ms: Option<i64>,
    /// The image, in DynamoDB JSON.
    pub content: Box<RawValue>,
}

/// Stands for a payment id or key that the record lacks.
const UNKNOWN: &str = "unknown";

/// Returns the image as it is quarantined: under its sequence number and payment id, so that a redelivery stores it once,
/// and a later image of the payment is stored as well.
///
/// Sequence numbers order the changes of one shard; the payment id tells equal ones of two shards apart.
pub fn quarantined(image: &Image, reason: Reason) -> QuarantinedRecord {
    // Only text that is a payment id: ids of records are logged and printed.
    let Image { key, sequence_number, written_at_unix_ms, content } = image;
    let payment_id = key.as_deref().and_then(|key| key.parse::<PaymentId>().ok());
    let payment_id = payment_id.as_ref().map_or(UNKNOWN, PaymentId::as_str);
    let now = Timestamp::now();
    let written_at = written_at_unix_ms.and_then(|unix_ms| Timestamp::from_unix_ms(unix_ms).ok());
    QuarantinedRecord {
        id: RecordId::new(RecordId::PAYMENTS_TABLE, &format!("{sequence_number}:{payment_id}")),
        data: content.get().as_bytes().to_vec(),
        reason,
        partition_key: key.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
        arrived_at: written_at.unwrap_or(now),
        quarantined_at: now,
    }
}
