//! From a batch of changes to the payments that have yet to be published.

use std::collections::BTreeMap;

use payments::{Payment, Status};
use payments_aws::PaymentImage;
use serde::Deserialize;
use serde_json::value::RawValue;
use stream_batch::DynamoDbRecord;

/// What a batch comes down to.
#[derive(Debug)]
pub(crate) struct Folded {
    /// The payments whose newest image in the batch is marked as unpublished, each with the sequence number of that
    /// image, in the order of the batch.
    pub(crate) due: Vec<(Payment, String)>,
    /// The sequence numbers of images that cannot be understood, and behind which there is no newer one that can.
    pub(crate) unreadable: Vec<String>,
}

/// Folds a batch. The records of one item are in the order of its writes, so the last one is the newest, and the only one that
/// is read: of a payment that is published on the way out a batch holds three. Where it cannot be understood, the one before it
/// is read as well.
pub(crate) fn fold(records: Vec<DynamoDbRecord<Box<RawValue>>>) -> Folded {
    let mut items: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (position, record) in records.into_iter().enumerate() {
        let DynamoDbRecord { sequence_number, keys, new_image, .. } = record;
        // A removed item has nothing to publish.
        let Some(image) = new_image else { continue };
        // Where a record does not tell whose image it has, nothing newer takes its place.
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
                    tracing::error!(%error, sequence_number, "a change of the payments table cannot be relayed");
                    unreadable.push(sequence_number);
                }
            }
        }
    }
    due.sort_unstable_by_key(|(position, ..)| *position);
    let due = due.into_iter().map(|(_, payment, sequence_number)| (payment, sequence_number)).collect();
    Folded { due, unreadable }
}

/// Whose image it is, by the item's key.
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
