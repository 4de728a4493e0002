//! Images of the payments table, and those that are quarantined.

use std::fmt;

use payment_events::{PaymentId, Timestamp};
use payments::Rejection;
use quarantine::{QuarantinedRecord, Reason, RecordId};
use serde_json::value::RawValue;

/// An image of the payments table, as the change stream delivers it.
#[derive(Debug)]
pub(crate) struct Image {
    /// Key of the item; `None` if the record has no readable key.
    pub(crate) key: Option<String>,
    /// Sequence number in the change stream.
    pub(crate) sequence_number: String,
    /// Approximate time of the write, in milliseconds since the Unix epoch.
    pub(crate) written_at_unix_ms: Option<i64>,
    /// The image, in DynamoDB JSON.
    pub(crate) content: Box<RawValue>,
}

/// An image to quarantine.
#[derive(Debug)]
pub(crate) struct QuarantineImage {
    pub(crate) cause: QuarantineCause,
    /// Sequence number from which the change stream must redeliver if the image cannot be stored.
    pub(crate) redeliver_from: String,
    image: Image,
    /// It may quote the image, so it is not logged.
    reason: Reason,
}

/// Why an image is quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuarantineCause {
    /// It is not a payment, or not one that can be published.
    Unreadable,
    /// The hub can never accept a version of its payment.
    Rejected,
}

impl QuarantineImage {
    /// An image that could not be decoded, and why.
    pub(crate) fn unreadable(image: Image, reason: Reason) -> Self {
        Self { cause: QuarantineCause::Unreadable, redeliver_from: image.sequence_number.clone(), image, reason }
    }

    /// An image of a payment with a version that the hub rejected. `redeliver_from` is the sequence number of the
    /// payment's first image in the batch.
    pub(crate) fn rejected(image: Image, redeliver_from: String, rejection: &Rejection) -> Self {
        let Rejection { version, cause } = rejection;
        let reason = Reason::new(&format!("the hub can never accept version {version}: {cause}"));
        Self { cause: QuarantineCause::Rejected, redeliver_from, image, reason }
    }

    /// Returns the image as it is quarantined: under its sequence number and payment id, so that a redelivery stores it
    /// once, and a later image of the payment is stored as well.
    ///
    /// Sequence numbers order the changes of one shard; the payment id tells equal ones of two shards apart.
    pub(crate) fn quarantined(&self) -> QuarantinedRecord {
        // Only text that is a payment id: ids of records are logged and printed.
        let Image { key, sequence_number, written_at_unix_ms, content } = &self.image;
        let payment_id = key.as_deref().and_then(|key| key.parse::<PaymentId>().ok());
        let payment_id = payment_id.as_ref().map_or(UNKNOWN, PaymentId::as_str);
        let now = Timestamp::now();
        let written_at = written_at_unix_ms.and_then(|unix_ms| Timestamp::from_unix_ms(unix_ms).ok());
        QuarantinedRecord {
            id: RecordId::new(RecordId::PAYMENTS_TABLE, &format!("{sequence_number}:{payment_id}")),
            data: content.get().as_bytes().to_vec(),
            reason: self.reason.clone(),
            partition_key: key.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
            arrived_at: written_at.unwrap_or(now),
            quarantined_at: now,
        }
    }
}

/// Stands for a payment id or key that the record lacks.
const UNKNOWN: &str = "unknown";

impl fmt::Display for QuarantineCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "could not be decoded",
            Self::Rejected => "has a version that the hub can never accept",
        })
    }
}
