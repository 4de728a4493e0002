//! Publishes stored payments again: the versions after a position, in order.

use std::sync::Arc;

use futures::{StreamExt, stream};
use payment_events::{OrderId, PaymentId};
use payments::{EventPublisher, Outbox, PaymentRecord, PublishError, Status};
use payments_aws::PaymentsTable;
use serde::Serialize;

use crate::{OperationError, Stack};

/// Outbox positions raised concurrently.
const RAISES_CONCURRENT_MAX: usize = 16;

/// A payment that was published up to this version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SentPayment {
    /// The order it pays for.
    pub order_id: OrderId,
    /// Payment published.
    pub payment_id: PaymentId,
    /// Newest version published.
    pub version: u64,
}

impl SentPayment {
    /// Returns the payment as it is after all its versions are sent; `None` while it is processing.
    pub(crate) fn of(record: &PaymentRecord) -> Option<Self> {
        let payment = &record.payment;
        (payment.status != Status::Processing).then(|| Self {
            order_id: payment.order_id.clone(),
            payment_id: payment.payment_id.clone(),
            version: payment.version,
        })
    }
}

/// First version to publish of each payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The first one: for a consumer that has no version yet.
    First,
    /// The one after the outbox position, or the newest one if all are published. With Kafka and RabbitMQ the first one:
    /// there is no position of that hub.
    Position,
}

impl From {
    /// Returns the version before the first one to publish.
    fn position(self, record: &PaymentRecord) -> u64 {
        match self {
            Self::First => 0,
            Self::Position => record.published_version.min(record.payment.version.saturating_sub(1)),
        }
    }
}

/// A payment, record or batch that could not be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotSent {
    /// Id of the payment, record or batch.
    pub id: String,
    /// Reason, as a clause.
    pub reason: String,
}

/// Publishes stored payments again.
#[derive(Clone)]
pub(crate) struct Republish {
    table: PaymentsTable,
    publisher: Arc<dyn EventPublisher>,
    keeps_positions: bool,
}

impl Republish {
    pub(crate) fn new(stack: &Stack) -> Result<Self, OperationError> {
        let keeps_positions = stack.keeps_positions()?;
        Ok(Self { table: stack.payments()?, publisher: stack.publisher()?, keeps_positions })
    }

    pub(crate) fn table(&self) -> &PaymentsTable {
        &self.table
    }

    /// See [`is_due`].
    pub(crate) fn is_due(&self, record: &PaymentRecord) -> bool {
        is_due(record, self.keeps_positions)
    }

    /// Publishes all versions of these payments from the given one on, in order, and raises their outbox positions. Skips
    /// payments that are processing. With Kafka and RabbitMQ no position is raised, as their relays raise none: a raised
    /// one would hide the payment from the relay of another hub.
    ///
    /// A failure to raise a position is ignored: the relay then publishes the payment once more.
    pub(crate) async fn send(&self, records: &[PaymentRecord], from: From, report: &mut SendReport) {
        let from = if self.keeps_positions { from } else { From::First };
        let (mut events, mut counts) = (Vec::with_capacity(records.len()), Vec::with_capacity(records.len()));
        for record in records {
            match record.events_after(from.position(record)) {
                Ok(of_payment) => {
                    counts.push((record, of_payment.len()));
                    events.extend(of_payment);
                }
                Err(error) => report.not_sent(record.payment.payment_id.as_str(), &error),
            }
        }
        let mut results = self.publisher.publish_all(&events).await.into_iter();
        let mut raised = Vec::new();
        for (record, count) in counts {
            let of_payment: Vec<_> = results.by_ref().take(count).collect();
            if let Some(Err(error)) = of_payment.into_iter().find(Result::is_err) {
                let (PublishError::Failed(cause) | PublishError::Rejected(cause)) = &error;
                report.not_sent(record.payment.payment_id.as_str(), &**cause);
                continue;
            }
            let Some(sent) = SentPayment::of(record) else { continue };
            if self.keeps_positions && record.is_due() {
                raised.push(sent.clone());
            }
            report.sent.push(sent);
        }
        let table = &self.table;
        let raise = async |sent: SentPayment| table.raise_position(&sent.payment_id, sent.version).await;
        stream::iter(raised).map(raise).buffer_unordered(RAISES_CONCURRENT_MAX).for_each(async |_| {}).await;
    }
}

/// True if the payment may have versions that are not on the hub. Without positions that is unknown, and true for each
/// payment that has a version.
pub(crate) fn is_due(record: &PaymentRecord, keeps_positions: bool) -> bool {
    if keeps_positions { record.is_due() } else { SentPayment::of(record).is_some() }
}

/// Outcome of publishing payments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SendReport {
    /// Payments published.
    pub sent: Vec<SentPayment>,
    /// Payments that could not be published.
    pub not_sent: Vec<NotSent>,
}

impl SendReport {
    pub(crate) fn not_sent(&mut self, id: &str, error: &dyn std::error::Error) {
        self.not_sent.push(NotSent { id: id.to_owned(), reason: error.to_string() });
    }
}
