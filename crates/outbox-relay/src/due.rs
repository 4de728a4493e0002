//! Payments of a batch that are due.

use payment_changes::{Changes, Image};
use payments::{Payment, PaymentChanges, RebuiltPayment};
use payments_aws::record_of_image;
use quarantine::Reason;
use serde_json::value::RawValue;

/// A payment of the batch that was due.
pub(crate) struct DuePayment {
    pub(crate) payment: Payment,
    /// Newest decodable image.
    pub(crate) image: Image,
    /// Sequence number of the first image. If the payment cannot be published, this image must be redelivered: the
    /// checkpoint passes an image only if its versions are on the hub.
    pub(crate) sequence_number: String,
}

/// Separates a due payment from its changes to publish.
pub(crate) fn due(changes: Changes<RebuiltPayment>) -> (DuePayment, PaymentChanges) {
    let Changes { newest, image, first } = changes;
    let payment = newest.record().payment.clone();
    // 0 if the first image cannot be decoded.
    let first_version = first.as_ref().map_or(payment.version, |first| {
        decode(&first.content, true).map_or(0, |first| first.record().payment.version)
    });
    let sequence_number = first.as_ref().unwrap_or(&image).sequence_number.clone();
    (DuePayment { payment, image, sequence_number }, PaymentChanges { newest, first_version })
}

/// Decodes an image. A payment with an event that cannot be rebuilt counts as undecodable: it could never be published.
/// Without `uses_positions`, every version counts as due.
pub(crate) fn decode(image: &RawValue, uses_positions: bool) -> Result<RebuiltPayment, Reason> {
    let mut stored = record_of_image(image.get()).map_err(|error| Reason::new(&error.to_string()))?;
    if !uses_positions {
        stored.published_version = 0;
    }
    RebuiltPayment::new(stored).map_err(|error| Reason::new(&error.to_string()))
}
