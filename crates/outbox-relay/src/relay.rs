//! Handling of a batch.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use payment_changes::{ChangeBatch, Changes, Folded, fold};
use payment_events::{Timestamp, TraceParent};
use payments::{Payment, Publication, Published, RebuiltPayment, StreamPublication};
use quarantine::Quarantine;
use stream_batch::{BatchResponse, Limits, NotHandled, Record, before, process_records};
use telemetry::{Metrics, WithCauses};

use crate::due::{DuePayment, decode, due};
use crate::image::{QuarantineCause, QuarantineImage};

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
    /// True if versions up to a payment's outbox position are on the hub.
    fn uses_positions(&self) -> bool {
        match self {
            Self::Direct(_) => true,
            Self::Stream(publication) => publication.uses_positions(),
        }
    }

    /// Publishes the payments that are due. Returns each with its outcome.
    async fn publish(
        &self,
        payments: Vec<Changes<RebuiltPayment>>,
        deadline: SystemTime,
    ) -> Vec<(DuePayment, Published)> {
        let is_due = |payment: &Changes<RebuiltPayment>| payment.newest.record().is_due();
        let (due, changes): (Vec<_>, Vec<_>) = payments.into_iter().filter(is_due).map(due).unzip();
        let published = match self {
            Self::Direct(publication) => {
                let payments: Vec<_> = changes.into_iter().map(|changes| changes.newest).collect();
                publication.publish_all(&payments, deadline).await
            }
            Self::Stream(publication) => publication.publish_all(&changes, deadline).await,
        };
        due.into_iter().zip(published).collect()
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
    /// `UnpublishedAge`, the age of each deferred payment in milliseconds; `UnreadableImages`, images quarantined because
    /// they could not be decoded; and `RejectedPayments`, images quarantined because the hub can never accept a version.
    pub fn new(mode: RelayMode, quarantine: Arc<dyn Quarantine>, metrics: Metrics) -> Self {
        Self { mode, quarantine, metrics }
    }

    /// Publishes the payments of a batch that are due, then quarantines the images that cannot be decoded and those of
    /// payments that the hub can never accept. Reports the records of those that fail, so that Lambda redelivers them. Ends
    /// before `deadline`: what is left then is reported, too.
    pub async fn handle(&self, batch: ChangeBatch, deadline: SystemTime) -> BatchResponse {
        let uses_positions = self.mode.uses_positions();
        let Folded { payments, unreadable } = fold(batch.records, |image| decode(image, uses_positions));
        let unreadable = unreadable.into_iter().map(|(image, reason)| QuarantineImage::unreadable(image, reason));
        let Outcomes { deferred, rejected } = self.publish(payments, deadline).await;
        let mut response: BatchResponse = deferred.into_iter().collect();
        response.extend(self.quarantine(rejected.into_iter().chain(unreadable), deadline).await);
        response
    }

    /// Publishes the payments that are due.
    async fn publish(&self, payments: Vec<Changes<RebuiltPayment>>, deadline: SystemTime) -> Outcomes {
        let mut outcomes = Outcomes::default();
        let (mut published, mut ages_ms) = (0_usize, Vec::new());
        for (DuePayment { payment, image, sequence_number }, outcome) in self.mode.publish(payments, deadline).await {
            match outcome {
                Published::Now => {
                    published = published.saturating_add(1);
                    let trace_id = payment.trace_parent.as_ref().map(TraceParent::trace_id);
                    tracing::info!(payment_id = %payment.payment_id, order_id = %payment.order_id,
                        version = payment.version, trace_id, "payment published by the relay");
                }
                Published::Rejected(rejection) => {
                    tracing::error!(payment_id = %payment.payment_id, order_id = %payment.order_id,
                        version = rejection.version, cause = rejection.cause,
                        "payment rejected by the hub; this version and later ones wait for a redrive");
                    outcomes.rejected.push(QuarantineImage::rejected(image, sequence_number, &rejection));
                }
                Published::Deferred | Published::ByRelay => {
                    ages_ms.push(age_ms(&payment));
                    outcomes.deferred.push(sequence_number);
                }
            }
        }
        self.metrics.count(&[("PublishedByRelay", published), ("Deferred", outcomes.deferred.len())]);
        self.metrics.milliseconds("UnpublishedAge", &ages_ms);
        outcomes
    }

    /// Stores images for redrive. One that cannot be stored does not stop the others.
    async fn quarantine(
        &self,
        images: impl IntoIterator<Item = QuarantineImage>,
        deadline: SystemTime,
    ) -> BatchResponse {
        let records = images.into_iter().enumerate().map(|(key, image)| Record {
            key,
            identifier: image.redeliver_from.clone(),
            payload: image,
        });
        let limits = Limits { lanes_at_once_max: QUARANTINED_AT_ONCE_MAX, may_begin: before(deadline, MARGIN) };
        let stored = process_records(records, &limits, async |record: Record<usize, QuarantineImage>| {
            self.quarantine_one(&record.payload).await
        })
        .await;
        let count = |cause| stored.handled.iter().filter(|of_image| **of_image == cause).count();
        let (unreadable, rejected) = (count(QuarantineCause::Unreadable), count(QuarantineCause::Rejected));
        self.metrics.count(&[("UnreadableImages", unreadable), ("RejectedPayments", rejected)]);
        stored.response
    }

    async fn quarantine_one(&self, image: &QuarantineImage) -> Result<QuarantineCause, NotHandled> {
        let record = image.quarantined();
        let (id, data_bytes, cause) = (&record.id, record.data.len(), image.cause);
        match self.quarantine.store(&record).await {
            Ok(()) => {
                tracing::error!(%id, data_bytes, "payment change {id} {cause} and was quarantined");
                Ok(cause)
            }
            Err(error) => {
                tracing::error!(%id, data_bytes, error = %WithCauses(&error),
                    "payment change {id} {cause}, could not be quarantined, and will be redelivered");
                Err(NotHandled)
            }
        }
    }
}

/// Result of publishing a batch.
#[derive(Default)]
struct Outcomes {
    /// Sequence numbers of the payments to redeliver.
    deferred: Vec<String>,
    /// Images of the payments that the hub can never accept.
    rejected: Vec<QuarantineImage>,
}

/// Returns the age of the payment's newest version, in milliseconds.
fn age_ms(payment: &Payment) -> u64 {
    let age_ms = Timestamp::now().unix_ms().saturating_sub(payment.updated_at.unix_ms());
    u64::try_from(age_ms).unwrap_or_default()
}
