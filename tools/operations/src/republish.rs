//! Putting payments on the stream once more, as they are now.

use futures::{StreamExt, stream};
use payment_events::{OrderId, PaymentId};
use payments::{EventPublisher, Outbox, PaymentRecord};
use payments_aws::{KinesisPublisher, PaymentsTable};
use serde::Serialize;

use crate::{OperationError, Stack};

/// Marks that are cleared at once.
const MARKS_AT_ONCE_MAX: usize = 16;

/// A payment that is on the stream as of this version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SentPayment {
    /// The order it pays for.
    pub order_id: OrderId,
    /// Which payment.
    pub payment_id: PaymentId,
    /// Its version.
    pub version: u64,
}

impl SentPayment {
    /// What publishing this payment would send; nothing while it is processing.
    pub(crate) fn of(record: &PaymentRecord) -> Option<Self> {
        let event = record.payment.event()?.ok()?;
        let payment = event.into_payment();
        Some(Self { order_id: payment.order_id, payment_id: payment.payment_id, version: payment.version })
    }
}

/// A payment, or something else with a name, that could not be put on the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotSent {
    /// Which.
    pub id: String,
    /// Why.
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

    /// Publishes these as they are, and clears the marks that they carry. What is processing is passed over.
    ///
    /// A mark that cannot be cleared does no harm: the payment is published once more.
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
        stream::iter(marked).map(unmark).buffer_unordered(MARKS_AT_ONCE_MAX).for_each(async |_| {}).await;
    }
}

/// What became of payments to publish.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SendReport {
    /// What is on the stream.
    pub sent: Vec<SentPayment>,
    /// What is not.
    pub not_sent: Vec<NotSent>,
}

impl SendReport {
    pub(crate) fn not_sent(&mut self, id: &str, error: &dyn std::error::Error) {
        self.not_sent.push(NotSent { id: id.to_owned(), reason: error.to_string() });
    }
}
