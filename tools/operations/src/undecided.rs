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

/// Puts a payment that is processing on the change stream again, from where `payment-recovery` decides it.
///
/// Ends the payment's lease a second time, now. This is the write of a request that gives up, on the condition that no other
/// write came since `known` was read, so that it races with nothing. It needs no access to the payment processor. A payment
/// whose lease has not ended is left alone, and so is one that another write changed: its image is on the stream already.
pub(crate) async fn request_recovery(table: &PaymentsTable, known: &PaymentRecord) -> Result<(), StoreError> {
    let now = Timestamp::now();
    if lease_end(known, now).is_some_and(|end| end < now) {
        let lease = Lease { until: now, ..known.lease.clone() };
        table.replace(known, &PaymentRecord { lease, ..known.clone() }).await?;
    }
    Ok(())
}
