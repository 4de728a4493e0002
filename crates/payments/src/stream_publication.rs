//! Publication of stored payments from their table's change stream: `stream` mode.

use std::sync::Arc;
use std::time::SystemTime;

use payment_events::Timestamp;

use crate::rounds::{Lane, Rounds};
use crate::{EventPublisher, Published, RebuiltPayment};

/// Maximum margin of [`RecordAge`], in seconds.
const MARGIN_S_MAX: u64 = 3_600;
/// Time that DynamoDB keeps images, in seconds.
const KEPT_S: u64 = 86_400;

/// Publishes the payments of the change stream: each version when its image arrives, in order. A version is sent only
/// when the hub has acknowledged the one before it.
///
/// The position is the stream's checkpoint, and nothing is raised: the checkpoint passes an image only when the versions
/// up to the image's are on the hub. There are two exceptions. An unreadable image leaves a gap until it is redriven. And
/// Lambda discards images that are too old, so versions whose images may have been discarded are sent again before a
/// later one.
///
/// An outbox position that a payment has from `direct` mode is used: versions up to it are not sent, unless the hub was
/// changed ([`ignoring_positions`](Self::ignoring_positions)).
#[derive(Clone)]
pub struct StreamPublication {
    rounds: Rounds,
    record_age: RecordAge,
    uses_positions: bool,
}

/// A payment in a batch of the change stream.
#[derive(Debug, Clone, PartialEq)]
pub struct PaymentChanges {
    /// Newest readable image in the batch. It has the steps of all versions.
    pub newest: RebuiltPayment,
    /// Version of the first image in the batch; 0 if that image is unreadable. Earlier batches had the images of the
    /// versions before it.
    pub first_version: u64,
}

/// Age up to which an image of the change stream is certain to be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordAge {
    certain_ms: u64,
}

impl RecordAge {
    /// Creates the age of a mapping whose `MaximumRecordAgeInSeconds` is `seconds_max`. It is less by a margin for clocks
    /// that differ: an hour, or half of short ages. DynamoDB keeps images for 24 hours, so a higher age counts as that.
    ///
    /// Source: <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>.
    pub fn of_mapping(seconds_max: u64) -> Self {
        let delivered_s = seconds_max.min(KEPT_S);
        let certain_s = delivered_s.saturating_sub(MARGIN_S_MAX.min(delivered_s / 2));
        Self { certain_ms: certain_s.saturating_mul(1_000) }
    }

    /// True if an image written at this time may have been discarded.
    fn is_exceeded(self, written_at: Timestamp, now: Timestamp) -> bool {
        now.ms_since(written_at) >= self.certain_ms
    }
}

impl StreamPublication {
    /// Creates a publication that sends with `publisher` the images of a mapping with this record age.
    pub fn new(publisher: Arc<dyn EventPublisher>, record_age: RecordAge) -> Self {
        Self { rounds: Rounds::new(publisher), record_age, uses_positions: true }
    }

    /// Ignores outbox positions. `direct` mode raised them for Kinesis, and the publisher sends to another hub, which has
    /// none of the versions up to them.
    #[must_use]
    pub fn ignoring_positions(self) -> Self {
        Self { uses_positions: false, ..self }
    }

    /// True if versions up to the outbox position are on the hub.
    pub fn uses_positions(&self) -> bool {
        self.uses_positions
    }

    /// Publishes payments, and returns one outcome per payment, in the order of `changes`: [`Published::Now`],
    /// [`Published::Deferred`] if a version could not be published, or [`Published::Rejected`]. The first image of a
    /// deferred payment MUST be redelivered, and not only its newest one.
    ///
    /// Ends before `deadline`. A payment with versions left is deferred, and a later call with the same payment continues
    /// after the last acknowledged version.
    pub async fn publish_all(&self, changes: &[PaymentChanges], deadline: SystemTime) -> Vec<Published> {
        let now = Timestamp::now();
        let lanes = changes.iter().map(|changes| self.lane(changes, now)).collect();
        let sent = self.rounds.send(lanes, deadline).await;
        let remembered = changes.iter().zip(sent).map(|(PaymentChanges { newest, .. }, sent)| {
            self.rounds.remember(newest.record(), &sent);
            sent.published
        });
        remembered.collect()
    }

    /// Returns the events to send: those of the versions made by the batch, and before them those of earlier versions
    /// whose images may have been discarded.
    fn lane<'p>(&self, changes: &'p PaymentChanges, now: Timestamp) -> Lane<'p> {
        let PaymentChanges { newest, first_version } = changes;
        let steps = newest.record().steps.iter().zip(1..);
        let discarded = steps.filter(|(step, _)| self.record_age.is_exceeded(step.at, now));
        let discarded_up_to = discarded.map(|(_, version)| version).max().unwrap_or(0);
        self.rounds.lane(newest, |version| version <= discarded_up_to || version >= *first_version)
    }
}
