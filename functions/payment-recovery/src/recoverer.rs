//! Handling of a batch.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use payment_changes::{ChangeBatch, Changes, Folded, Image, fold, quarantined};
use payment_events::Timestamp;
use payments::{PaymentRecord, RecoverError, RecoverPayment, Recovery, Status};
use payments_aws::record_of_image;
use quarantine::{Quarantine, Reason};
use stream_batch::{BatchResponse, Limits, NotHandled, Record, process_records};
use telemetry::{Metrics, WithCauses};

use crate::invocation::{Invocation, UndecidedPayments};

/// First pause before a payment that is not due is read again. Each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(250);

/// Time after the end of its lease at which a payment whose recovery fails by itself is quarantined, in milliseconds: 15
/// minutes.
const PATIENCE_MS: u64 = 15 * 60 * 1_000;

/// Number of further attempts before a payment that fails alone is quarantined, and the pause before each. After an outage,
/// every payment that waits is overdue, and one that fails may not be at fault.
const RETRIES_MAX: u32 = 2;
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// Longest lease that the template allows (`PaymentLeaseMs`), in milliseconds.
const LEASE_MS_MAX: u64 = 15 * 60 * 1_000;

/// Decides the payments of a batch that are still processing.
#[derive(Clone)]
pub struct Recoverer {
    recover: RecoverPayment,
    quarantine: Arc<dyn Quarantine>,
    metrics: Metrics,
}

/// A payment whose newest image in the batch is processing.
struct Undecided {
    seen: PaymentRecord,
    image: Image,
}

impl Undecided {
    /// Returns the time at which the payment began. If a clock far ahead wrote it, returns the time of the image, which
    /// DynamoDB's clock wrote.
    fn begun_at(&self) -> Timestamp {
        let begun_at = self.seen.payment.created_at;
        self.written_at().map_or(begun_at, |written_at| begun_at.min(written_at))
    }

    /// Returns true if the lease ended long ago. A lease that a clock far ahead wrote has ended 15 minutes after its image:
    /// no lease of the template is longer.
    fn is_overdue(&self) -> bool {
        let until = self.seen.lease.until;
        let ended = self.written_at().map_or(until, |written_at| until.min(written_at.plus_ms(LEASE_MS_MAX)));
        ended.plus_ms(PATIENCE_MS) < Timestamp::now()
    }

    fn written_at(&self) -> Option<Timestamp> {
        self.image.written_at_unix_ms.and_then(|unix_ms| Timestamp::from_unix_ms(unix_ms).ok())
    }
}

/// Outcome for a payment that does not hold up the stream any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Recovered,
    NotNeeded,
    Quarantined,
}

impl Recoverer {
    /// Creates the handler. Its metrics are `Recovered`, payments decided; `RecoveryFailed`, attempts that failed;
    /// `UndecidedAge`, the age in milliseconds of each payment that could not be decided; and `QuarantinedPayments`,
    /// payments whose image was quarantined because their recovery alone kept failing.
    pub fn new(recover: RecoverPayment, quarantine: Arc<dyn Quarantine>, metrics: Metrics) -> Self {
        Self { recover, quarantine, metrics }
    }

    /// Decides the payments of a batch that are still processing when they are due. Reports those that could not be
    /// decided, so that Lambda redelivers them. Ends before `deadline`: payments that are not due by then are reported,
    /// too.
    ///
    /// Images that cannot be decoded are left to the relay, which quarantines them.
    pub async fn handle(&self, batch: ChangeBatch, deadline: SystemTime) -> BatchResponse {
        let Folded { payments, .. } = fold(batch.records, |image| record_of_image(image.get()));
        let undecided = payments.into_iter().filter(|changes| changes.newest.payment.status == Status::Processing);
        let records = undecided.map(|Changes { newest: seen, image, .. }| Record {
            key: seen.payment.payment_id.clone(),
            identifier: image.sequence_number.clone(),
            payload: Undecided { seen, image },
        });
        let invocation = Invocation::new(deadline);
        // All payments wait at the same time. `Invocation` bounds their calls.
        let limits = Limits { lanes_at_once_max: usize::MAX, may_begin: || true };
        let processed = process_records(records, &limits, async |record: Record<_, Undecided>| {
            self.decide(&record.payload, &invocation).await
        })
        .await;
        let count = |outcome| processed.handled.iter().filter(|done| **done == outcome).count();
        let (recovered, quarantined) = (count(Done::Recovered), count(Done::Quarantined));
        let UndecidedPayments { failed, ages_ms } = invocation.into_undecided();
        self.metrics.count(&[
            ("Recovered", recovered),
            ("RecoveryFailed", failed),
            ("QuarantinedPayments", quarantined),
        ]);
        self.metrics.milliseconds("UndecidedAge", &ages_ms);
        processed.response
    }

    /// Decides a payment as soon as it is due.
    async fn decide(&self, undecided: &Undecided, invocation: &Invocation) -> Result<Done, NotHandled> {
        let (mut pause, mut retries) = (PAUSE_MIN, 0);
        loop {
            let Some(permit) = invocation.begin().await else {
                invocation.record_undecided(undecided.begun_at(), false);
                return Err(NotHandled);
            };
            match self.recover.recover(&undecided.seen).await {
                Ok(Recovery::Recovered(payment)) => {
                    tracing::info!(payment_id = %payment.payment_id, order_id = %payment.order_id,
                        status = %payment.status, "payment recovered: decided without its client");
                    return Ok(Done::Recovered);
                }
                Ok(Recovery::NotNeeded) => return Ok(Done::NotNeeded),
                Ok(Recovery::NotDue(due_at)) => {
                    drop(permit);
                    let until_due = Duration::from_millis(due_at.ms_since(Timestamp::now()));
                    invocation.sleep(pause.min(until_due)).await;
                    pause = pause.saturating_mul(2);
                }
                Err(error) => {
                    let fails_alone = self.fails_alone(undecided, &error, invocation).await;
                    if !fails_alone || retries == RETRIES_MAX {
                        return self.failed(undecided, &error, fails_alone, invocation).await;
                    }
                    drop(permit);
                    retries = retries.saturating_add(1);
                    invocation.sleep(RETRY_PAUSE).await;
                }
            }
        }
    }

    /// Returns true if the recovery of a payment has failed for long, and store and processor answer for another one.
    async fn fails_alone(&self, undecided: &Undecided, error: &RecoverError, invocation: &Invocation) -> bool {
        // A table that cannot be written fails every recovery.
        let may_fail_alone = undecided.is_overdue() && !matches!(error, RecoverError::Write(_));
        may_fail_alone && invocation.dependencies_answer(&self.recover).await
    }

    /// Keeps a payment for redelivery, or quarantines it if it fails alone.
    async fn failed(
        &self,
        undecided: &Undecided,
        error: &RecoverError,
        fails_alone: bool,
        invocation: &Invocation,
    ) -> Result<Done, NotHandled> {
        let Undecided { seen, image } = undecided;
        let payment_id = &seen.payment.payment_id;
        invocation.record_undecided(undecided.begun_at(), true);
        if !fails_alone {
            tracing::warn!(%payment_id, error = %WithCauses(error),
                "payment could not be recovered and will be redelivered");
            return Err(NotHandled);
        }
        let record = quarantined(image, Reason::new(&format!("the payment could not be recovered: {error}")));
        let id = &record.id;
        match self.quarantine.store(&record).await {
            Ok(()) => {
                tracing::error!(%id, %payment_id, error = %WithCauses(error),
                    "payment could not be recovered and its change {id} was quarantined");
                Ok(Done::Quarantined)
            }
            Err(store_error) => {
                tracing::error!(%id, %payment_id, error = %WithCauses(&store_error),
                    "payment could not be recovered, its change {id} could not be quarantined, and will be redelivered");
                Err(NotHandled)
            }
        }
    }
}
