//! Reduction of a batch of changes to one entry for each payment.

use std::collections::BTreeMap;

use payments::RebuiltPayment;
use payments_aws::record_of_image;
use quarantine::Reason;
use serde::Deserialize;
use serde_json::value::RawValue;
use stream_batch::DynamoDbRecord;

use crate::image::{Image, QuarantineImage};

/// Result of [`fold`].
#[derive(Debug)]
pub(crate) struct Folded {
    /// Payments with a decodable image in the batch, in the order of their newest ones.
    pub(crate) payments: Vec<FoldedPayment>,
    /// Images that could not be decoded, and that no newer, decodable image of the item supersedes, in batch order.
    pub(crate) unreadable: Vec<QuarantineImage>,
}

/// The changes of a payment in a batch.
#[derive(Debug)]
pub(crate) struct FoldedPayment {
    /// Payment of the newest decodable image.
    pub(crate) newest: RebuiltPayment,
    /// Newest decodable image.
    pub(crate) image: Image,
    /// Sequence number of the first image. If the payment cannot be published, this image must be redelivered: the
    /// checkpoint passes an image only if its versions are on the hub.
    pub(crate) sequence_number: String,
    /// First image, if it is not the newest one.
    first_image: Option<Box<RawValue>>,
}

impl FoldedPayment {
    /// Returns the version of the first image; 0 if it cannot be decoded.
    pub(crate) fn first_version(&self) -> u64 {
        match &self.first_image {
            None => self.newest.record().payment.version,
            Some(image) => decode(image, true).map_or(0, |first| first.record().payment.version),
        }
    }
}

/// Folds a batch to the newest image of each item. The records of an item are in write order, so that only the last
/// image needs decoding: a payment with a direct publish has three. If the last one cannot be decoded, the previous one
/// is decoded as well. Without `uses_positions`, every version counts as due.
pub(crate) fn fold(records: Vec<DynamoDbRecord<Box<RawValue>>>, uses_positions: bool) -> Folded {
    let mut items: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (position, record) in records.into_iter().enumerate() {
        let DynamoDbRecord { sequence_number, written_at_unix_ms, keys, new_image, .. } = record;
        // A removed item has no new image, and nothing to publish.
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
            match decode(&image.content, uses_positions) {
                Ok(newest) => {
                    let (first_image, sequence_number) = match images.next() {
                        Some((_, first)) => (Some(first.content), first.sequence_number),
                        None => (None, image.sequence_number.clone()),
                    };
                    payments.push((position, FoldedPayment { newest, image, sequence_number, first_image }));
                    break;
                }
                Err(reason) => unreadable.push((position, QuarantineImage::unreadable(image, reason))),
            }
        }
    }
    Folded { payments: in_batch_order(payments), unreadable: in_batch_order(unreadable) }
}

/// Decodes an image. A payment with an event that cannot be rebuilt counts as undecodable: it could never be published.
fn decode(image: &RawValue, uses_positions: bool) -> Result<RebuiltPayment, Reason> {
    let mut stored = record_of_image(image.get()).map_err(|error| Reason::new(&error.to_string()))?;
    if !uses_positions {
        stored.published_version = 0;
    }
    RebuiltPayment::new(stored).map_err(|error| Reason::new(&error.to_string()))
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
