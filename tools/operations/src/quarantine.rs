//! Redrive of quarantined records.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use orders::{Incomplete, ProjectPayments, Projection, Settle, SettleError, Settled, StoreError};
use payment_events::{OrderId, PaymentEvent};
use payments_aws::KinesisPublisher;
use quarantine::{QuarantineRecords, QuarantinedRecord, RecordId};
use telemetry::WithCauses;

use crate::images::{is_image, redrive_image};
use crate::outcome::{Awaited, Outcomes, RecordOutcome, RedrivenRecord, quarantine_id};
use crate::progress::Watch;
use crate::{OperationError, Stack};

/// Redrives records, and returns the outcome of each. Spends at most `wait_max` on waiting for the outcomes.
///
/// - A record of the stream is put back on it, with its original bytes and partition key. The projector stores it, or
///   quarantines it again under its new sequence number.
/// - A record of Kafka or RabbitMQ is not sent: its event is stored in Orders here, and its order is settled, as the
///   projector does. An operator's machine rarely reaches a broker, and other subscribers have the record already.
/// - A record of an order that cannot be settled ([`RecordId::SETTLEMENT`]) holds a stored event. The order is settled
///   here, and nothing is sent.
/// - An image of the payments table is not sent. Its payment is published from the table if it can be read now.
///
/// A record leaves quarantine once it is handled ([`RecordOutcome::is_handled`]). Every other record is still there,
/// even if it was sent: sending it again changes nothing in Orders, and losing it would. All records are sent before the
/// wait, during which only their ids are in memory.
pub async fn redrive(
    stack: &Stack,
    ids: &[RecordId],
    wait_max: Duration,
    watch: Watch<'_>,
) -> Result<Vec<RedrivenRecord>, OperationError> {
    // The stack of another hub has no stream.
    let publisher = if ids.iter().any(is_stream_record) { Some(stack.kinesis_publisher()?) } else { None };
    let (orders, settle) = (Arc::new(stack.orders()?), stack.settle()?);
    let project = ProjectPayments::new(orders, settle.clone());
    let run = Run { quarantine: stack.quarantine()?, publisher, settle, project };
    let mut outcomes = Outcomes::new(stack, wait_max)?;
    let (mut redriven, mut awaited) = (Vec::new(), Vec::new());
    for id in ids {
        if is_image(id) {
            redriven.push(RedrivenRecord::new(id, redrive_image(stack, id).await?));
        } else if id.source() == RecordId::SETTLEMENT {
            redriven.push(RedrivenRecord::new(id, run.settle(id).await));
        } else if is_broker_record(id) {
            redriven.push(RedrivenRecord::new(id, run.project(id).await));
        } else {
            match run.send(id, &outcomes).await {
                Ok(sent) => awaited.push(sent),
                Err(reason) => redriven.push(RedrivenRecord::new(id, RecordOutcome::NotSent { reason })),
            }
        }
    }
    redriven.extend(outcomes.wait(awaited, watch).await);
    for record in &mut redriven {
        run.close(record).await;
    }
    // In the order of `ids`.
    let places: HashMap<String, usize> = ids.iter().map(RecordId::to_string).zip(0..).collect();
    redriven.sort_by_key(|record| places.get(&record.id).copied());
    Ok(redriven)
}

/// True if the record is of Kafka or RabbitMQ.
fn is_broker_record(id: &RecordId) -> bool {
    [RecordId::KAFKA_PREFIX, RecordId::RABBITMQ_PREFIX].iter().any(|prefix| id.source().starts_with(prefix))
}

/// True if the record is of the payment stream.
fn is_stream_record(id: &RecordId) -> bool {
    !is_image(id) && id.source() != RecordId::SETTLEMENT && !is_broker_record(id)
}

struct Run {
    quarantine: QuarantineRecords,
    /// Publisher to the payment stream; `None` if no record is of the stream.
    publisher: Option<KinesisPublisher>,
    settle: Settle,
    project: ProjectPayments,
}

impl Run {
    /// Puts a record back on the stream.
    async fn send(&self, id: &RecordId, outcomes: &Outcomes) -> Result<Awaited, String> {
        let record = self.load(id).await?;
        let publisher = self.publisher.as_ref().ok_or("the stack has no payment stream")?;
        let expected = outcomes.expect(&record.data).await;
        let sent = publisher.put_back(&[(record.partition_key, record.data)]).await;
        let position = sent.into_iter().next().ok_or("there is no result")?;
        let position = position.map_err(|error| WithCauses(&error).to_string())?;
        Ok(Awaited { id: id.to_string(), expected, new_id: Some(quarantine_id(&position)) })
    }

    async fn load(&self, id: &RecordId) -> Result<QuarantinedRecord, String> {
        let record = self.quarantine.load(id).await.map_err(|error| WithCauses(&error).to_string())?;
        Ok(record.ok_or("there is no such record in quarantine")?)
    }

    /// Stores the payment of a broker's record in Orders, and settles its order.
    async fn project(&self, id: &RecordId) -> RecordOutcome {
        let record = match self.load(id).await {
            Ok(record) => record,
            Err(reason) => return RecordOutcome::NotSent { reason },
        };
        let payment = match PaymentEvent::decode(&record.data) {
            Ok(event) => event.into_payment(),
            Err(error) => return RecordOutcome::StillUnreadable { reason: error.to_string() },
        };
        let order_id = payment.order_id.clone();
        let projected = match self.project.store(payment).await {
            Ok(Projection::Newer { .. }) => RecordOutcome::Projected,
            Ok(Projection::Stale) => RecordOutcome::Stale,
            Err(StoreError::Unacceptable(unacceptable)) => {
                return RecordOutcome::StillUnreadable { reason: unacceptable.reason };
            }
            Err(error) => return RecordOutcome::not_sent(&WithCauses(&error).to_string()),
        };
        match self.settle_order(&order_id).await {
            RecordOutcome::Settled => projected,
            unsettled => unsettled,
        }
    }

    /// Settles the order of a settlement record.
    async fn settle(&self, id: &RecordId) -> RecordOutcome {
        match self.quarantine.find(id).await {
            Ok(Some(_)) => {}
            Ok(None) => return RecordOutcome::not_sent("there is no such record in quarantine"),
            Err(error) => return RecordOutcome::not_sent(&WithCauses(&error).to_string()),
        }
        let Ok(order_id) = id.position().parse::<OrderId>() else {
            return RecordOutcome::not_sent("its position is not an order id");
        };
        self.settle_order(&order_id).await
    }

    /// Settles an order. One that is gone needs no settlement, and neither does one with more payments than settlement
    /// considers: nothing of it is unreadable.
    async fn settle_order(&self, order_id: &OrderId) -> RecordOutcome {
        match self.settle.settle(order_id, None).await {
            Ok(None | Some(Settled { incomplete: None | Some(Incomplete::TooMany), .. })) => RecordOutcome::Settled,
            Ok(Some(Settled { incomplete: Some(Incomplete::Unreadable(unacceptable)), .. }))
            | Err(SettleError::Store(StoreError::Unacceptable(unacceptable))) => {
                RecordOutcome::StillUnreadable { reason: unacceptable.reason }
            }
            Err(error) => RecordOutcome::not_sent(&WithCauses(&error).to_string()),
        }
    }

    /// Deletes a handled record from quarantine. If that fails, the outcome is unknown, so that the record is redriven
    /// again. An image is deleted where it is published.
    async fn close(&self, record: &mut RedrivenRecord) {
        let Some(id) = record.id.parse().ok().filter(|id| record.outcome.is_handled() && !is_image(id)) else { return };
        if let Err(error) = self.quarantine.drop(&id).await {
            let reason = format!("{}, but still in quarantine: {}", record.outcome.as_str(), WithCauses(&error));
            record.outcome = RecordOutcome::Unknown { reason };
        }
    }
}
