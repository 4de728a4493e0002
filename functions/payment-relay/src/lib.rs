//! The relay: publishes, from the payments table's change stream, what the way out of a request could not.
//!
//! A batch holds every state that payments went through. It is folded to the newest one of each payment, and those that
//! are still marked as unpublished are published and unmarked. Since every event carries the whole payment, older
//! states need no event of their own.

mod fold;

use payments::{Publication, Published};
use stream_batch::{BatchResponse, DynamoDbEvent};
use telemetry::Metrics;

/// What Lambda invokes the function with.
pub type ChangeBatch = DynamoDbEvent<serde_dynamo::Item>;

/// Publishes what is left of a batch, and reports what could not be published, to be delivered again.
///
/// An image that cannot be understood is reported too: acknowledging it could lose a payment that a newer version of
/// `payment-api` wrote. What it holds up behind it, the way out of the requests publishes all the same.
///
/// Counts `PublishedByRelay`, and `Deferred`: payments that have to wait for another delivery.
pub async fn relay(publication: &Publication, metrics: &Metrics, batch: ChangeBatch) -> BatchResponse {
    let folded = fold::fold(batch.records);
    let (due, sequence_numbers): (Vec<_>, Vec<_>) = folded.due.into_iter().unzip();
    let published = publication.publish_all(&due).await;
    let deferred = published.iter().filter(|published| **published == Published::Deferred).count();
    metrics.count(&[("PublishedByRelay", published.len() - deferred), ("Deferred", deferred)]);
    let mut failed = folded.unreadable;
    for ((payment, sequence_number), published) in due.iter().zip(sequence_numbers).zip(published) {
        match published {
            Published::Now => tracing::info!(payment_id = %payment.payment_id, order_id = %payment.order_id,
                version = payment.version, "payment published by the relay"),
            Published::Deferred => failed.push(sequence_number),
        }
    }
    failed.into_iter().collect()
}
