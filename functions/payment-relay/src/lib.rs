//! The outbox relay, which publishes the payments that a direct publish did not, from the payments table's change
//! stream.
//!
//! A batch contains every state of its payments. The relay folds it to the newest state of each payment, publishes
//! those that are still marked as unpublished, and clears their marks. Older states need no event, because every event
//! carries the whole payment.

mod fold;

use payment_events::{Timestamp, TraceParent};
use payments::{Payment, Publication, Published};
use serde_json::value::RawValue;
use stream_batch::{BatchResponse, DynamoDbEvent};
use telemetry::Metrics;

/// Invocation event of the function. Images are decoded one by one, so that an undecodable one does not affect the
/// others.
pub type ChangeBatch = DynamoDbEvent<Box<RawValue>>;

/// Publishes the unpublished payments of a batch. Reports the records of those that fail, so that Lambda redelivers
/// them.
///
/// Also reports an image that cannot be decoded: acknowledging it could lose a payment that a newer version of
/// `payment-api` wrote. While it blocks its shard, direct publish continues.
///
/// Metrics: `PublishedByRelay`; `Deferred`, payments that wait for redelivery; and `UnpublishedAge`, the age of each
/// deferred payment in milliseconds.
pub async fn relay(publication: &Publication, metrics: &Metrics, batch: ChangeBatch) -> BatchResponse {
    let folded = fold::fold(batch.records);
    let (due, sequence_numbers): (Vec<_>, Vec<_>) = folded.due.into_iter().unzip();
    let published = publication.publish_all(&due).await;
    let deferred = published.iter().filter(|published| **published == Published::Deferred).count();
    metrics.count(&[("PublishedByRelay", published.len() - deferred), ("Deferred", deferred)]);
    let mut failed = folded.unreadable;
    let mut ages_ms = Vec::new();
    for ((payment, sequence_number), published) in due.iter().zip(sequence_numbers).zip(published) {
        match published {
            Published::Now => {
                let trace_id = payment.trace_parent.as_ref().map(TraceParent::trace_id);
                tracing::info!(payment_id = %payment.payment_id, order_id = %payment.order_id, version = payment.version,
                    trace_id, "payment published by the relay");
            }
            Published::Deferred => {
                ages_ms.push(age_ms(payment));
                failed.push(sequence_number);
            }
        }
    }
    metrics.milliseconds("UnpublishedAge", &ages_ms);
    failed.into_iter().collect()
}

/// Returns the age of the payment's unpublished version, in milliseconds.
fn age_ms(payment: &Payment) -> u64 {
    let age_ms = Timestamp::now().unix_ms() - payment.updated_at.unix_ms();
    u64::try_from(age_ms).unwrap_or_default()
}
