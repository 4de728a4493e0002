//! Handling of a batch.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use payment_events::{Timestamp, TraceParent};
use payments::{Payment, PaymentRecord, Publication, Published, StreamPublication};
use quarantine::{Quarantine, QuarantinedRecord};
use serde_json::value::RawValue;
use stream_batch::{BatchResponse, DynamoDbEvent, Limits, NotHandled, Record, before, process_records};
use telemetry::{Metrics, WithCauses};

use crate::fold::{Folded, FoldedPayment, fold};
use crate::unreadable::UnreadableImage;

/// Invocation event of the function. Images are decoded one by one, so that an undecodable one does not affect the
/// others.
pub type ChangeBatch = DynamoDbEvent<Box<RawValue>>;

/// Maximum number of images quarantined concurrently.
const QUARANTINED_AT_ONCE_MAX: usize = 16;

/// Time reserved at the end of an invocation for an image whose storing has begun: up to six parts, each a DynamoDB call
/// at its timeout of 3 s. An item is at most 400 KB, and about 2 MB as JSON.
const MARGIN: Duration = Duration::from_secs(20);

/// Part of the relay in publishing, by the mode of the system (ADR 28).
#[derive(Clone)]
pub enum RelayMode {
    /// `direct`: publishes the versions after a payment's outbox position, and raises it.
    Direct(Publication),
    /// `stream`: publishes every version, and raises nothing.
    Stream(StreamPublication),
}

impl RelayMode {
    /// Publishes the payments that are due. Returns each with its sequence number and outcome.
    async fn publish(&self, payments: Vec<FoldedPayment>) -> Vec<(PaymentRecord, String, Published)> {
        let is_due = |payment: &FoldedPayment| payment.newest.is_due();
        let due: Vec<_> = payments.into_iter().filter(is_due).collect();
        let sequence_numbers: Vec<_> = due.iter().map(|payment| payment.sequence_number.clone()).collect();
        let (records, published) = match self {
            Self::Direct(publication) => {
                let records: Vec<_> = due.into_iter().map(|payment| payment.newest).collect();
                let published = publication.publish_all(&records).await;
                (records, published)
            }
            Self::Stream(publication) => {
                let changes: Vec<_> = due.into_iter().map(FoldedPayment::into_changes).collect();
                let published = publication.publish_all(&changes).await;
                (changes.into_iter().map(|changes| changes.newest).collect(), published)
            }
        };
        let outcomes = sequence_numbers.into_iter().zip(published);
        records.into_iter().zip(outcomes).map(|(record, (number, published))| (record, number, published)).collect()
    }
}

/// The outbox relay.
#[derive(Clone)]
pub struct Relay {
    mode: RelayMode,
    quarantine: Arc<dyn Quarantine>,
    metrics: Metrics,
}

impl Relay {
    /// Creates the relay. Its metrics are `PublishedByRelay`; `Deferred`, payments that wait for redelivery;
    /// `UnpublishedAge`, the age of each deferred payment in milliseconds; and `UnreadableImages`, images quarantined.
    pub fn new(mode: RelayMode, quarantine: Arc<dyn Quarantine>, metrics: Metrics) -> Self {
        Self { mode, quarantine, metrics }
    }

    /// Publishes the payments of a batch that are due, then quarantines the images that cannot be decoded. Reports the
    /// records of those that fail, so that Lambda redelivers them. Starts no quarantine shortly before `deadline`.
    pub async fn handle(&self, batch: ChangeBatch, deadline: SystemTime) -> BatchResponse {
        let Folded { payments, unreadable } = fold(batch.records);
        let mut response = self.publish(payments).await;
        response.extend(self.quarantine(unreadable, deadline).await);
        response
    }

    /// Publishes the payments that are due.
    async fn publish(&self, payments: Vec<FoldedPayment>) -> BatchResponse {
        let outcomes = self.mode.publish(payments).await;
        let (mut deferred, mut ages_ms) = (Vec::new(), Vec::new());
        let total = outcomes.len();
        for (PaymentRecord { payment, .. }, sequence_number, published) in outcomes {
            if published == Published::Now {
                let trace_id = payment.trace_parent.as_ref().map(TraceParent::trace_id);
                tracing::info!(payment_id = %payment.payment_id, order_id = %payment.order_id,
                    version = payment.version, trace_id, "payment published by the relay");
            } else {
                ages_ms.push(age_ms(&payment));
                deferred.push(sequence_number);
            }
        }
        let published = total.saturating_sub(deferred.len());
        self.metrics.count(&[("PublishedByRelay", published), ("Deferred", deferred.len())]);
        self.metrics.milliseconds("UnpublishedAge", &ages_ms);
        deferred.into_iter().collect()
    }

    /// Stores images for redrive. One that cannot be stored does not stop the others.
    async fn quarantine(&self, images: Vec<UnreadableImage>, deadline: SystemTime) -> BatchResponse {
        let records = images.into_iter().enumerate().map(|(key, image)| Record {
            key,
            identifier: image.sequence_number.clone(),
            payload: image,
        });
        let limits = Limits { lanes_at_once_max: QUARANTINED_AT_ONCE_MAX, may_begin: before(deadline, MARGIN) };
        let stored = process_records(records, &limits, async |record: Record<usize, UnreadableImage>| {
            self.quarantine_one(&record.payload.quarantined()).await
        })
        .await;
        self.metrics.count(&[("UnreadableImages", stored.handled.len())]);
        stored.response
    }

    async fn quarantine_one(&self, record: &QuarantinedRecord) -> Result<(), NotHandled> {
        let (id, data_bytes) = (&record.id, record.data.len());
        match self.quarantine.store(record).await {
            Ok(()) => {
                tracing::error!(%id, data_bytes, "payment change {id} could not be decoded and was quarantined");
                Ok(())
            }
            Err(error) => {
                tracing::error!(%id, data_bytes, error = %WithCauses(&error),
                    "payment change {id} could not be decoded or quarantined, and will be redelivered");
                Err(NotHandled)
            }
        }
    }
}

/// Returns the age of the payment's newest version, in milliseconds.
fn age_ms(payment: &Payment) -> u64 {
    let age_ms = Timestamp::now().unix_ms().saturating_sub(payment.updated_at.unix_ms());
    u64::try_from(age_ms).unwrap_or_default()
}
