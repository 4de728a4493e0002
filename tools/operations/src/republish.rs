//! Publishes stored payments again, at their current version.

use futures::{StreamExt, stream};
use payment_events::{OrderId, PaymentId};
use payments::{EventPublisher, Outbox, PaymentRecord};
use payments_aws::{KinesisPublisher, PaymentsTable};
use serde::Serialize;

use crate::{OperationError, Stack};

/// Outbox marks cleared concurrently.
const UNMARKS_CONCURRENT_MAX: usize = 16;

/// A payment that was published at this version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SentPayment {
    /// The order it pays for.
    pub order_id: OrderId,
    /// Payment published.
    pub payment_id: PaymentId,
    /// Version published.
    pub version: u64,
}

impl SentPayment {
    /// Returns what publishing this payment would send; `None` while it is processing.
    pub(crate) fn of(record: &PaymentRecord) -> Option<Self> {
        let event = record.payment.event()?.ok()?;
        let payment = event.into_payment();
        Some(Self { order_id: payment.order_id, payment_id: payment.payment_id, version: payment.version })
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
#[derive(Debug, Clone)]
pub(crate) struct Republish {
    table: PaymentsTable,
    publisher: KinesisPublisher,
}

impl Republish {
    pub(crate) fn new(stack: &Stack) -> Result<Self, OperationError> {
        Ok(Self { table: stack.payments()?, publisher: stack.publisher()? })
    }

    pub(crate) fn table(&self) -> &PaymentsTable {
        &self.table
    }

    /// Publishes these payments and clears their outbox marks. Skips payments that are processing.
    ///
    /// A failure to clear a mark is ignored: the relay then publishes the payment once more.
    pub(crate) async fn send(&self, records: &[PaymentRecord], report: &mut SendReport) {
        let (mut events, mut known) = (Vec::with_capacity(records.len()), Vec::with_capacity(records.len()));
        for record in records {
            match record.payment.event() {
                Some(Ok(event)) => {
                    events.push(event);
                    known.push(record);
                }
                Some(Err(error)) => report.not_sent(record.payment.payment_id.as_str(), &error),
                None => {}
            }
        }
        let results = self.publisher.publish_all(&events).await;
        let mut marked = Vec::new();
        for ((event, record), result) in events.into_iter().zip(known).zip(results) {
            if let Err(error) = result {
                report.not_sent(record.payment.payment_id.as_str(), &*error.0);
                continue;
            }
            let payment = event.into_payment();
            let sent =
                SentPayment { order_id: payment.order_id, payment_id: payment.payment_id, version: payment.version };
            if record.unpublished {
                marked.push(sent.clone());
            }
            report.sent.push(sent);
        }
        let table = &self.table;
        let unmark = async |sent: SentPayment| table.mark_published(&sent.payment_id, sent.version).await;
        stream::iter(marked).map(unmark).buffer_unordered(UNMARKS_CONCURRENT_MAX).for_each(async |_| {}).await;
    }
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
