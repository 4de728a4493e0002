//! Reduction of a batch of changes to one entry for each payment.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use stream_batch::DynamoDbRecord;

use crate::Image;

/// Result of [`fold`]. `T` is a decoded image, and `E` the reason why one cannot be decoded.
#[derive(Debug)]
pub struct Folded<T, E> {
    /// Payments with a decodable image in the batch, in the order of their newest ones.
    pub payments: Vec<Changes<T>>,
    /// Images that could not be decoded, and that no newer, decodable image of the item supersedes, in batch order.
    pub unreadable: Vec<(Image, E)>,
}

/// The changes of a payment in a batch.
#[derive(Debug)]
pub struct Changes<T> {
    /// The newest decodable image, decoded.
    pub newest: T,
    /// The newest decodable image.
    pub image: Image,
    /// First image of the payment, if it is not the newest one.
    pub first: Option<Image>,
}

/// Folds a batch to the newest image of each item. The records of an item are in write order, so that only the last
/// image needs decoding: a payment with a direct publish has three. If the last one cannot be decoded, the previous one
/// is decoded as well.
pub fn fold<T, E>(
    records: Vec<DynamoDbRecord<Box<RawValue>>>,
    decode: impl Fn(&RawValue) -> Result<T, E>,
) -> Folded<T, E> {
    let mut items: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (position, record) in records.into_iter().enumerate() {
        let DynamoDbRecord { sequence_number, written_at_unix_ms, keys, new_image, .. } = record;
        // A removed item has no new image, and nothing to process.
        let Some(image) = new_image else { continue };
        // A record without a readable key counts as an item of its own, which no newer image supersedes.
        let item = keys.and_then(|keys| payment_id(&keys)).ok_or(position);
        let key = item.clone().ok();
        let image = Image { key, sequence_number, written_at_unix_ms, content: image };
        items.entry(item).or_default().push((position, image));
    }
    let (mut payments, mut unreadable) = (Vec::new(), Vec::new());
    for images in items.into_values() {
        let mut images = images.into_iter();
        while let Some((position, image)) = images.next_back() {
            match decode(&image.content) {
                Ok(newest) => {
                    let first = images.next().map(|(_, first)| first);
                    payments.push((position, Changes { newest, image, first }));
                    break;
                }
                Err(reason) => unreadable.push((position, (image, reason))),
            }
        }
    }
    Folded { payments: in_batch_order(payments), unreadable: in_batch_order(unreadable) }
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
