//! Sending the versions of many payments in rounds, within the time of an invocation.
//!
//! A round sends the next version of each payment, so a payment with 100 versions takes 100 rounds, more than a slow hub
//! leaves time for. Versions that are left over are redelivered with all that the batch has of their payment. The process
//! remembers the versions that were acknowledged, so that the next invocation continues after them. A new process starts
//! again, which costs duplicates.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use payment_events::{PaymentEvent, PaymentId};

use crate::publication::deferred;
use crate::{EventPublisher, PaymentRecord, PublishError, Published, RebuildError, Rejection, Step};

/// Time before the deadline at which the last round begins: 15 s for a round, the timeout of a call of the relay, and 20 s
/// for raising positions and quarantining images.
const ROUND: Duration = Duration::from_secs(35);
/// Time before the deadline at which a round is abandoned: one write at its timeout of 3 s, and the response.
const END: Duration = Duration::from_secs(5);
/// Maximum number of payments whose progress is remembered. A batch has at most 500.
const REMEMBERED_MAX: usize = 1_000;

/// A payment with the events of the versions after its outbox position.
#[derive(Debug, Clone, PartialEq)]
pub struct RebuiltPayment {
    record: PaymentRecord,
    events: Vec<PaymentEvent>,
}

impl RebuiltPayment {
    /// Rebuilds the events from the steps.
    pub fn new(record: PaymentRecord) -> Result<Self, RebuildError> {
        let events = record.events_after(record.published_version)?;
        Ok(Self { record, events })
    }

    /// Returns the payment.
    pub fn record(&self) -> &PaymentRecord {
        &self.record
    }

    /// Returns the events after the position, in the order of their versions.
    pub(crate) fn events(&self) -> &[PaymentEvent] {
        &self.events
    }
}

/// Sender of events in rounds.
#[derive(Clone)]
pub(crate) struct Rounds {
    publisher: Arc<dyn EventPublisher>,
    /// Step of the last acknowledged version of payments that could not be completed.
    reached: Arc<Mutex<BTreeMap<PaymentId, (u64, Step)>>>,
}

/// Versions of one payment to send.
pub(crate) struct Lane<'p> {
    record: &'p PaymentRecord,
    waiting: VecDeque<&'p PaymentEvent>,
}

/// Result of sending the events of one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Last acknowledged version.
    pub(crate) acknowledged: Option<u64>,
    pub(crate) published: Published,
}

impl Rounds {
    pub(crate) fn new(publisher: Arc<dyn EventPublisher>) -> Self {
        Self { publisher, reached: Arc::default() }
    }

    /// Returns the lane of a payment, without the versions that an earlier call sent and `is_due` rejects.
    pub(crate) fn lane<'p>(&self, payment: &'p RebuiltPayment, is_due: impl Fn(u64) -> bool) -> Lane<'p> {
        let reached = self.reached(&payment.record).unwrap_or(0);
        let is_waiting = |event: &&PaymentEvent| {
            let version = event.payment().version;
            version > reached && is_due(version)
        };
        Lane { record: &payment.record, waiting: payment.events().iter().filter(is_waiting).collect() }
    }

    /// Sends the events of each lane in order, one of each lane in a round. Returns one result per lane. Begins no round
    /// other than the first shortly before `deadline`.
    pub(crate) async fn send(&self, mut lanes: Vec<Lane<'_>>, deadline: SystemTime) -> Vec<Sent> {
        let sent = |lane: &Lane<'_>| Sent { acknowledged: self.reached(lane.record), published: Published::Now };
        let mut sent: Vec<_> = lanes.iter().map(sent).collect();
        loop {
            let firsts =
                lanes.iter().enumerate().filter_map(|(lane, Lane { waiting, .. })| Some((lane, *waiting.front()?)));
            let (numbers, events): (Vec<usize>, Vec<_>) = firsts.map(|(lane, event)| (lane, event.clone())).unzip();
            if events.is_empty() {
                return sent;
            }
            let round = tokio::time::timeout(left(deadline, END), self.publisher.publish_all(&events));
            let Ok(results) = round.await else { break };
            let mut results = results.into_iter();
            for (number, event) in numbers.into_iter().zip(&events) {
                let (Some(lane), Some(sent)) = (lanes.get_mut(number), sent.get_mut(number)) else { continue };
                match results.next() {
                    Some(Ok(())) => {
                        lane.waiting.pop_front();
                        sent.acknowledged = Some(event.payment().version);
                    }
                    failed => {
                        lane.waiting.clear();
                        sent.published = not_sent(event, failed);
                    }
                }
            }
            if left(deadline, ROUND).is_zero() {
                break;
            }
        }
        for (lane, sent) in lanes.iter().zip(&mut sent).filter(|(lane, _)| !lane.waiting.is_empty()) {
            sent.published = Published::Deferred;
            tracing::warn!(payment_id = %lane.record.payment.payment_id, acknowledged_version = sent.acknowledged,
                version = lane.record.payment.version, "no time left to publish the payment; it will be redelivered");
        }
        sent
    }

    /// Remembers the version that a payment has reached, or forgets a payment that is complete.
    pub(crate) fn remember(&self, record: &PaymentRecord, sent: &Sent) {
        let mut reached = self.lock();
        let payment_id = &record.payment.payment_id;
        match sent {
            Sent { published: Published::Deferred, acknowledged: Some(version) } => {
                if reached.len() >= REMEMBERED_MAX {
                    // Those that never came back. The others start again.
                    reached.clear();
                }
                let step = step(record, *version);
                reached.extend(step.map(|step| (payment_id.clone(), (*version, step.clone()))));
            }
            Sent { published: Published::Deferred, acknowledged: None } => {}
            Sent { published: Published::Now | Published::ByRelay | Published::Rejected(_), .. } => {
                reached.remove(payment_id);
            }
        }
    }

    /// Returns the version that this payment has reached. The step tells it from a payment that was restored to an
    /// earlier state and changed in another way.
    fn reached(&self, record: &PaymentRecord) -> Option<u64> {
        let reached = self.lock();
        let (version, taken) = reached.get(&record.payment.payment_id)?;
        (step(record, *version)? == taken).then_some(*version)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PaymentId, (u64, Step)>> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the outcome of a payment whose event was not acknowledged. `None` stands for a publisher that returned too few
/// results.
fn not_sent(event: &PaymentEvent, result: Option<Result<(), PublishError>>) -> Published {
    match result {
        Some(Err(PublishError::Rejected(cause))) => {
            Published::Rejected(Rejection { version: event.payment().version, cause: cause.to_string() })
        }
        Some(Err(PublishError::Failed(cause))) => {
            deferred(event, &*cause);
            Published::Deferred
        }
        Some(Ok(())) | None => Published::Deferred,
    }
}

/// Returns the step that made this version.
fn step(record: &PaymentRecord, version: u64) -> Option<&Step> {
    record.steps.get(usize::try_from(version.checked_sub(1)?).ok()?)
}

/// Returns the time left until `margin` before `deadline`.
pub(crate) fn left(deadline: SystemTime, margin: Duration) -> Duration {
    deadline.duration_since(SystemTime::now()).unwrap_or_default().saturating_sub(margin)
}
