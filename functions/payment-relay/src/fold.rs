//! Reduction of a batch of changes to the payments that have yet to be published.

use std::collections::BTreeMap;

use payments::PaymentRecord;
use payments_aws::record_of_image;
use quarantine::Reason;
use serde::Deserialize;
use serde_json::value::RawValue;
use stream_batch::DynamoDbRecord;

use crate::unreadable::UnreadableImage;

/// Result of [`fold`].
#[derive(Debug)]
pub(crate) struct Folded {
    /// Payments whose newest decodable image in the batch has a version after its outbox position, each with the sequence
    /// number of that image, in batch order.
    pub(crate) due: Vec<(PaymentRecord, String)>,
    /// Images that could not be decoded, and that no newer, decodable image of the item supersedes, in batch order.
    pub(crate) unreadable: Vec<UnreadableImage>,
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
    let (mut due, mut unreadable) = (Vec::new(), Vec::new());
    for (item, images) in items {
        for (position, image, sequence_number, written_at_unix_ms) in images.into_iter().rev() {
            match decode(&image) {
                Ok(stored) => {
                    due.extend(stored.is_due().then_some((position, (stored, sequence_number))));
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
    Folded { due: in_batch_order(due), unreadable: in_batch_order(unreadable) }
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
