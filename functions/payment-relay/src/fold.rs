//! Reduction of a batch of changes to the payments that have yet to be published.

use std::collections::BTreeMap;

use payments::{Payment, Status};
use payments_aws::PaymentImage;
use serde::Deserialize;
use serde_json::value::RawValue;
use stream_batch::DynamoDbRecord;

/// Result of [`fold`].
#[derive(Debug)]
pub(crate) struct Folded {
    /// Payments whose newest decodable image in the batch is marked as unpublished, each with the sequence number of
    /// that image, in batch order.
    pub(crate) due: Vec<(Payment, String)>,
    /// Sequence numbers of images that could not be decoded, and that no newer, decodable image of the item supersedes.
    pub(crate) unreadable: Vec<String>,
}

/// Folds a batch to the newest image of each item. The records of an item are in write order, so that only the last
/// image needs decoding: a payment with a direct publish has three. If the last one cannot be decoded, the previous one
/// is decoded as well.
pub(crate) fn fold(records: Vec<DynamoDbRecord<Box<RawValue>>>) -> Folded {
    let mut items: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (position, record) in records.into_iter().enumerate() {
        let DynamoDbRecord { sequence_number, keys, new_image, .. } = record;
        // A removed item has no new image, and nothing to publish.
        let Some(image) = new_image else { continue };
        // A record without a readable key counts as an item of its own, which no newer image supersedes.
        let item = keys.and_then(|keys| payment_id(&keys)).ok_or(position);
        items.entry(item).or_default().push((position, image, sequence_number));
    }
    let (mut due, mut unreadable) = (Vec::new(), Vec::new());
    for images in items.into_values() {
        for (position, image, sequence_number) in images.into_iter().rev() {
            match PaymentImage::from_image(image.get()) {
                Ok(stored) => {
                    due.extend(is_due(&stored).then_some((position, stored.payment, sequence_number)));
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, sequence_number,
                        "could not decode a payment change; it will be redelivered");
                    unreadable.push(sequence_number);
                }
            }
        }
    }
    due.sort_unstable_by_key(|(position, ..)| *position);
    let due = due.into_iter().map(|(_, payment, sequence_number)| (payment, sequence_number)).collect();
    Folded { due, unreadable }
}

/// Returns the payment id in the item's key.
fn payment_id(keys: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Keys {
        payment_id: Text,
    }

    #[derive(Deserialize)]
    struct Text {
        #[serde(rename = "S")]
        text: String,
    }

    let keys: Keys = serde_json::from_str(keys.get()).ok()?;
    Some(keys.payment_id.text)
}

fn is_due(stored: &PaymentImage) -> bool {
    stored.unpublished && stored.payment.status != Status::Processing
}
