//! Payments that nothing has decided, and the request to `payment-recovery` to decide them.

use payment_events::Timestamp;
use payments::{Lease, PaymentRecord, PaymentStore, Status, StoreError};
use payments_aws::PaymentsTable;

/// Time after the end of its lease from which a payment that is still processing is undecided, in milliseconds. The
/// recovery decides a payment earlier unless it fails.
pub const UNDECIDED_AFTER_MS: u64 = 10 * 60 * 1_000;

/// Longest lease that the template allows (`PaymentLeaseMs`), in milliseconds.
const LEASE_MS_MAX: u64 = 15 * 60 * 1_000;

/// Returns the end of the lease of a payment that is processing, or `None` of a payment that is decided. A lease that no
/// request can have made, because the clock that wrote it was far ahead, ended when the payment began.
pub(crate) fn lease_end(record: &PaymentRecord, now: Timestamp) -> Option<Timestamp> {
    let payment = &record.payment;
    let until = record.lease.until;
    let is_plausible = until <= now || record.lease.is_held(now, LEASE_MS_MAX);
    (payment.status == Status::Processing).then_some(if is_plausible { until } else { payment.updated_at })
}

/// Reason why a recovery was not requested.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRequested {
    /// A request may still be working on the payment.
    #[error("a request may be working on the payment until {0}: try again after that")]
    LeaseRuns(Timestamp),
    /// The payments table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts a payment that is processing on the change stream again, from where `payment-recovery` decides it.
///
/// Ends the payment's lease a second time, now. This is the write of a request that gives up, on the condition that no other
/// write came since `known` was read. It needs no access to the payment processor. If another write came, that one is on
/// the change stream.
pub(crate) async fn request_recovery(table: &PaymentsTable, known: &PaymentRecord) -> Result<(), NotRequested> {
    let now = Timestamp::now();
    if let Some(end) = lease_end(known, now).filter(|end| *end > now) {
        return Err(NotRequested::LeaseRuns(end));
    }
    let lease = Lease { until: now, ..known.lease.clone() };
    table.replace(known, &PaymentRecord { lease, ..known.clone() }).await?;
    Ok(())
}
