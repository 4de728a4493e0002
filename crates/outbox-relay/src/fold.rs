//! Reduction of a batch of changes to one entry for each payment.

use std::collections::BTreeMap;

use payments::{PaymentChanges, PaymentRecord};
use payments_aws::record_of_image;
use quarantine::Reason;
use serde::Deserialize;
use serde_json::value::RawValue;
use stream_batch::DynamoDbRecord;

use crate::unreadable::UnreadableImage;

/// Result of [`fold`].
#[derive(Debug)]
pub(crate) struct Folded {
    /// Payments with a decodable image in the batch, in the order of their newest ones.
    pub(crate) payments: Vec<FoldedPayment>,
    /// Images that could not be decoded, and that no newer, decodable image of the item supersedes, in batch order.
    pub(crate) unreadable: Vec<UnreadableImage>,
}

/// The changes of a payment in a batch.
#[derive(Debug)]
pub(crate) struct FoldedPayment {
    /// Newest decodable image.
    pub(crate) newest: PaymentRecord,
    /// Sequence number of the first image. If the payment cannot be published, this image must be redelivered: the
    /// checkpoint passes an image only if its versions are on the hub.
    pub(crate) sequence_number: String,
    /// First image, if it is not the newest one.
    first_image: Option<Box<RawValue>>,
}

impl FoldedPayment {
    /// Returns the changes for [`StreamPublication`](payments::StreamPublication).
    pub(crate) fn into_changes(self) -> PaymentChanges {
        let first_version = match self.first_image {
            None => self.newest.payment.version,
            Some(image) => decode(&image).map_or(0, |first| first.payment.version),
        };
        PaymentChanges { newest: self.newest, first_version }
    }
}

/// Folds a batch to the newest image of each item. The records of an item are in write order, so that only the last
/// image needs decoding: a payment with a direct publish has three. If the last one cannot be decoded, the previous one
/// is decoded as well.
pub(crate) fn fold(records: Vec<DynamoDbRecord<Box<RawValue>>>) -> Folded {
    let mut items: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (position, record) in records.into_iter().enumerate() {
        let DynamoDbRecord { sequence_number, written_at_unix_ms, keys, new_image, .. } = record;
        // A removed item has no new image, and nothing to publish.
        let Some(image) = new_image else { continue };
        // A record without a readable key counts as an item of its own, which no newer image supersedes.
        let item = keys.and_then(|keys| payment_id(&keys)).ok_or(position);
        items.entry(item).or_default().push((position, image, sequence_number, written_at_unix_ms));
    }
    let (mut payments, mut unreadable) = (Vec::new(), Vec::new());
    for (item, images) in items {
        let mut images = images.into_iter();
        while let Some((position, image, sequence_number, written_at_unix_ms)) = images.next_back() {
            match decode(&image) {
                Ok(newest) => {
                    let first = images.next().map(|(_, image, sequence_number, _)| (image, sequence_number));
                    let (first_image, sequence_number) = match first {
                        Some((image, sequence_number)) => (Some(image), sequence_number),
                        None => (None, sequence_number),
                    };
                    payments.push((position, FoldedPayment { newest, sequence_number, first_image }));
                    break;
                }
                Err(reason) => {
                    let key = item.clone().ok();
                    let image = UnreadableImage { key, sequence_number, written_at_unix_ms, image, reason };
                    unreadable.push((position, image));
                }
            }
        }
    }
    Folded { payments: in_batch_order(payments), unreadable: in_batch_order(unreadable) }
}

/// Decodes an image. A payment with an event that cannot be rebuilt counts as undecodable: it could never be published.
fn decode(image: &RawValue) -> Result<PaymentRecord, Reason> {
    let stored = record_of_image(image.get()).map_err(|error| Reason::new(&error.to_string()))?;
    stored.events_after(stored.published_version).map_err(|error| Reason::new(&error.to_string()))?;
    Ok(stored)
}

fn in_batch_order<T>(mut entries: Vec<(usize, T)>) -> Vec<T> {
    entries.sort_unstable_by_key(|(position, _)| *position);
    entries.into_iter().map(|(_, entry)| entry).collect()
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
