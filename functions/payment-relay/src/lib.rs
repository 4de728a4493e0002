//! The relay: publishes, from the payments table's change stream, what the way out of a request could not.
//!
//! A batch holds every state that payments went through. It is folded to the newest one of each payment, and those that
//! are still marked as unpublished are published and unmarked. Since every event carries the whole payment, older
//! states need no event of their own.

mod fold;

use payment_events::{Timestamp, TraceParent};
use payments::{Payment, Publication, Published};
use serde_json::value::RawValue;
use stream_batch::{BatchResponse, DynamoDbEvent};
use telemetry::Metrics;

/// What Lambda invokes the function with. Images are read one by one, so that one that is no item costs the others nothing.
pub type ChangeBatch = DynamoDbEvent<Box<RawValue>>;

/// Publishes what is left of a batch, and reports what could not be published, to be delivered again.
///
/// An image that cannot be understood is reported too: acknowledging it could lose a payment that a newer version of
/// `payment-api` wrote. What it holds up behind it, the way out of the requests publishes all the same.
///
/// Counts `PublishedByRelay`, and `Deferred`: payments that have to wait for another delivery, of each of which
/// `UnpublishedAge` is how long it has waited, in milliseconds.
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

/// How long ago the payment became what is not published yet.
fn age_ms(payment: &Payment) -> u64 {
    let age_ms = Timestamp::now().unix_ms() - payment.updated_at.unix_ms();
    u64::try_from(age_ms).unwrap_or_default()
}
