//! Images of the payments table that cannot be decoded.

use payment_events::{PaymentId, Timestamp};
use quarantine::{QuarantinedRecord, Reason, RecordId};
use serde_json::value::RawValue;

/// An image that is not a payment, or not one that can be published.
#[derive(Debug)]
pub(crate) struct UnreadableImage {
    /// Key of the item; `None` if the record has no readable key.
    pub(crate) key: Option<String>,
    /// Sequence number in the change stream.
    pub(crate) sequence_number: String,
    /// Approximate time of the write, in milliseconds since the Unix epoch.
    pub(crate) written_at_unix_ms: Option<i64>,
    /// The image, in DynamoDB JSON.
    pub(crate) image: Box<RawValue>,
    /// Why it could not be decoded. It may quote the image, so it is not logged.
    pub(crate) reason: Reason,
}

impl UnreadableImage {
    /// Returns the image as it is quarantined: under its sequence number and payment id, so that a redelivery stores it
    /// once, and a later image of the payment is stored as well.
    ///
    /// Sequence numbers order the changes of one shard; the payment id tells equal ones of two shards apart.
    pub(crate) fn quarantined(&self) -> QuarantinedRecord {
        // Only text that is a payment id: ids of records are logged and printed.
        let payment_id = self.key.as_deref().and_then(|key| key.parse::<PaymentId>().ok());
        let payment_id = payment_id.as_ref().map_or(UNKNOWN, PaymentId::as_str);
        let now = Timestamp::now();
        let written_at = self.written_at_unix_ms.and_then(|unix_ms| Timestamp::from_unix_ms(unix_ms).ok());
        QuarantinedRecord {
            id: RecordId::new(RecordId::PAYMENTS_TABLE, &format!("{}:{payment_id}", self.sequence_number)),
            data: self.image.get().as_bytes().to_vec(),
            reason: self.reason.clone(),
            partition_key: self.key.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
            arrived_at: written_at.unwrap_or(now),
            quarantined_at: now,
        }
    }
}

/// Stands for a payment id or key that the record lacks.
const UNKNOWN: &str = "unknown";
