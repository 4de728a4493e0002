//! Outcomes of redriven records, and the wait for them.

use std::time::Duration;

use futures::{StreamExt, stream};
use orders_aws::Copies;
use payment_events::PaymentEvent;
use payments_aws::StreamPosition;
use paystream_client::Pace;
use quarantine::{QuarantineRecords, RecordId};
use serde::Serialize;
use telemetry::WithCauses;
use tokio::time::Instant;

use crate::progress::{OperationProgress, Watch};
use crate::republish::SentPayment;
use crate::{OperationError, Stack};

/// Records looked at concurrently.
const LOOKS_CONCURRENT_MAX: usize = 16;
/// Pauses between two looks at the same record: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// Outcome of a redriven record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RecordOutcome {
    /// Orders stored the payment in this record's version.
    Projected,
    /// Orders had this version or a newer one already, or has a newer one now.
    Stale,
    /// The order's status matches its payments, all of which can be read.
    Settled,
    /// The payment of an image of the payments table is published.
    Published,
    /// The payment is processing, and its image is on the change stream, from where `payment-recovery` decides it.
    Recovering,
    /// The record is in quarantine again, whole, under its new id.
    QuarantinedAgain {
        /// New id in quarantine.
        new_id: String,
        /// Why the record was not processed. It may quote the record.
        reason: String,
    },
    /// The order still cannot be settled, or the payment published, because an item cannot be decoded. The record is
    /// still in quarantine.
    StillUnreadable {
        /// Why the item cannot be decoded. It may quote the item.
        reason: String,
    },
    /// The record was not sent, or its order was not settled. It is where it was.
    NotSent {
        /// Reason, as a clause.
        reason: String,
    },
    /// The record was sent, and its outcome was not seen within the wait. It is also still where it was.
    Unknown {
        /// Reason, as a clause.
        reason: String,
    },
}

impl RecordOutcome {
    /// Name of the outcome in output and JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Projected => "projected",
            Self::Stale => "stale",
            Self::Settled => "settled",
            Self::Published => "published",
            Self::Recovering => "recovering",
            Self::QuarantinedAgain { .. } => "quarantined_again",
            Self::StillUnreadable { .. } => "still_unreadable",
            Self::NotSent { .. } => "not_sent",
            Self::Unknown { .. } => "unknown",
        }
    }

    pub(crate) fn not_sent(reason: &str) -> Self {
        Self::NotSent { reason: reason.to_owned() }
    }

    /// Reason of the outcome, if it has one.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Projected | Self::Stale | Self::Settled | Self::Published | Self::Recovering => None,
            Self::QuarantinedAgain { reason, .. }
            | Self::StillUnreadable { reason }
            | Self::NotSent { reason }
            | Self::Unknown { reason } => Some(reason),
        }
    }

    /// New id of the record in quarantine, if it is there again.
    pub fn new_id(&self) -> Option<&str> {
        if let Self::QuarantinedAgain { new_id, .. } = self { Some(new_id) } else { None }
    }

    /// True if Orders has processed the record, or its payment is published or left to the recovery.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Projected | Self::Stale | Self::Settled | Self::Published | Self::Recovering)
    }

    /// True if the record needs no other redrive: Orders has processed it, or it is whole in quarantine.
    pub fn is_handled(&self) -> bool {
        self.is_success() || matches!(self, Self::QuarantinedAgain { .. })
    }
}

/// A redriven record with its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RedrivenRecord {
    /// Id of the record before it was redriven, or of the payment that was published.
    pub id: String,
    /// Outcome of the record.
    #[serde(flatten)]
    pub outcome: RecordOutcome,
}

impl RedrivenRecord {
    pub(crate) fn new(id: &RecordId, outcome: RecordOutcome) -> Self {
        Self { id: id.to_string(), outcome }
    }
}

/// A payment version that a record holds, and Orders' version of that payment before the record was sent.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    payment: SentPayment,
    version_before: Option<u64>,
}

/// A record whose outcome is not known yet.
#[derive(Debug)]
pub(crate) struct Awaited {
    /// Id of the record.
    pub(crate) id: String,
    /// Payment version in the record; `None` if this program cannot decode it.
    pub(crate) expected: Option<Expected>,
    /// Id that the record has if it is quarantined; `None` if its position on the stream is unknown.
    pub(crate) new_id: Option<RecordId>,
}

/// The places in which the outcome of a record shows: Orders' copy of the payment, and the quarantine.
#[derive(Debug)]
pub(crate) struct Outcomes {
    copies: Copies,
    quarantine: QuarantineRecords,
    /// Rest of the time that may be spent on waiting.
    left: Duration,
}

impl Outcomes {
    /// Waits for at most `wait_max` in total.
    pub(crate) fn new(stack: &Stack, wait_max: Duration) -> Result<Self, OperationError> {
        Ok(Self { copies: stack.copies()?, quarantine: stack.quarantine()?, left: wait_max })
    }

    /// Returns the payment version in this data, to be called before the record is sent. `None` if it cannot be decoded.
    pub(crate) async fn expect(&self, data: &[u8]) -> Option<Expected> {
        let Ok(event) = PaymentEvent::decode(data) else { return None };
        let payment = event.into_payment();
        let payment =
            SentPayment { order_id: payment.order_id, payment_id: payment.payment_id, version: payment.version };
        Some(self.expect_payment(payment).await)
    }

    /// Returns the expectation of a payment that is about to be published. A copy that cannot be read counts as absent: it
    /// decides only between [`RecordOutcome::Stale`] and [`RecordOutcome::Projected`].
    pub(crate) async fn expect_payment(&self, payment: SentPayment) -> Expected {
        let version_before = self.version(&payment).await.unwrap_or_default();
        Expected { payment, version_before }
    }

    /// Waits until the outcome of each record is known, or the time is up, and returns the outcomes in the order of
    /// `awaited`. Looks at each record once even if no time is left.
    pub(crate) async fn wait(&mut self, awaited: Vec<Awaited>, watch: Watch<'_>) -> Vec<RedrivenRecord> {
        let begun = Instant::now();
        let mut attempts = Pace::within(self.left, PAUSES[0]).doubling(PAUSES[1]).begin();
        let mut records: Vec<_> = awaited.into_iter().map(|record| (record, None)).collect();
        loop {
            let unknown = records.iter_mut().filter(|(_, outcome)| !is_known(outcome.as_ref()));
            let looks = stream::iter(unknown).map(async |(record, outcome)| *outcome = Some(self.look(record).await));
            looks.buffer_unordered(LOOKS_CONCURRENT_MAX).collect::<()>().await;
            let left = records.iter().filter(|(_, outcome)| !is_known(outcome.as_ref())).count();
            watch(OperationProgress::Waiting { left: left as u64 });
            if left == 0 || !attempts.again().await {
                break;
            }
        }
        self.left = self.left.saturating_sub(begun.elapsed());
        let redriven = records.into_iter().map(|(record, outcome)| {
            let outcome = match outcome {
                Some(Ok(Some(outcome))) => outcome,
                Some(Ok(None)) | None => RecordOutcome::Unknown { reason: not_seen(&record) },
                Some(Err(error)) => RecordOutcome::Unknown { reason: WithCauses(&error).to_string() },
            };
            RedrivenRecord { id: record.id, outcome }
        });
        redriven.collect()
    }

    /// Looks once. Returns `None` if the outcome does not show yet.
    async fn look(&self, record: &Awaited) -> Look {
        if let Some(Expected { payment, version_before }) = &record.expected {
            if version_before.is_some_and(|before| before >= payment.version) {
                return Ok(Some(RecordOutcome::Stale));
            }
            match self.version(payment).await? {
                Some(now) if now == payment.version => return Ok(Some(RecordOutcome::Projected)),
                Some(now) if now > payment.version => return Ok(Some(RecordOutcome::Stale)),
                _ => {}
            }
        }
        let Some(new_id) = &record.new_id else { return Ok(None) };
        let again = self.quarantine.find(new_id).await?;
        Ok(again.map(|again| RecordOutcome::QuarantinedAgain { new_id: new_id.to_string(), reason: again.reason }))
    }

    /// Returns the version of Orders' copy.
    async fn version(&self, payment: &SentPayment) -> Result<Option<u64>, OperationError> {
        let copy = self.copies.load(&payment.order_id, &payment.payment_id).await?;
        Ok(copy.map(|copy| copy.payment.version))
    }
}

/// Result of the last look at a record.
type Look = Result<Option<RecordOutcome>, OperationError>;

fn is_known(look: Option<&Look>) -> bool {
    matches!(look, Some(Ok(Some(_))))
}

/// Id that a record at this position has in quarantine.
pub(crate) fn quarantine_id(position: &StreamPosition) -> RecordId {
    RecordId::new(&position.shard_id, &position.sequence_number)
}

fn not_seen(record: &Awaited) -> String {
    match record.expected {
        Some(_) => "sent, and neither in Orders nor in quarantine yet".to_owned(),
        None => "sent, and not in quarantine yet; this program cannot decode it, so it cannot look for it in Orders"
            .to_owned(),
    }
}
