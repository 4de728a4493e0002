//! From a batch of changes to the payments that have yet to be published.

use std::collections::BTreeMap;

use payment_events::PaymentId;
use payments::{Payment, Status};
use payments_aws::StoredPayment;
use serde_json::value::RawValue;
use stream_batch::DynamoDbRecord;

/// What a batch comes down to.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// The payments whose newest image in the batch is marked as unpublished, each with the sequence number of that
    /// image, in the order of the batch.
    pub(crate) due: Vec<(Payment, String)>,
    /// The sequence numbers of images that cannot be understood.
    pub(crate) unreadable: Vec<String>,
}

/// Folds a batch. The records of one item are in the order of its writes, so the last one is the newest.
pub(crate) fn fold(records: Vec<DynamoDbRecord<Box<RawValue>>>) -> Folded {
    let mut newest: BTreeMap<PaymentId, (usize, StoredPayment, String)> = BTreeMap::new();
    let mut folded = Folded::default();
    for (position, record) in records.into_iter().enumerate() {
        let DynamoDbRecord { sequence_number, new_image, .. } = record;
        // A removed item has nothing to publish.
        let Some(image) = new_image else { continue };
        match StoredPayment::from_image(image.get()) {
            Ok(stored) => {
                newest.insert(stored.payment.payment_id.clone(), (position, stored, sequence_number));
            }
            Err(error) => {
                tracing::error!(%error, sequence_number, "a change of the payments table cannot be relayed");
                folded.unreadable.push(sequence_number);
            }
        }
    }
    let mut due: Vec<_> = newest.into_values().filter(|(_, stored, _)| is_due(stored)).collect();
    due.sort_by_key(|(position, ..)| *position);
    folded.due = due.into_iter().map(|(_, stored, sequence_number)| (stored.payment, sequence_number)).collect();
    folded
}

fn is_due(stored: &StoredPayment) -> bool {
    stored.unpublished && stored.payment.status != Status::Processing
}
