//! Final states of all orders, read through the public APIs.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use paystream_client::{ApiError, Pace};

use crate::act::{OrderOutcome, OrderTrace};
use crate::api::Api;
use crate::mark::Mark;

/// Orders read concurrently.
const READS_CONCURRENT: usize = 8;
/// Maximum wait until every order is settled.
const SETTLED_MAX: Duration = Duration::from_mins(3);
/// Pause before unsettled orders are read again.
const POLL: Duration = Duration::from_millis(200);
/// Attempts per read.
const READING: Pace = Pace::times(5, POLL);

/// Final state of an order. Times are milliseconds since the start of the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderEnd {
    /// Status; `None` if there is no such order.
    pub(crate) status: Option<String>,
    /// Time of the decision for this status.
    pub(crate) decided_ms: i64,
    /// Copies of its payments in the read model.
    pub(crate) copies: Vec<CopySeen>,
}

/// Copy of a payment in the read model. Times are milliseconds since the start of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CopySeen {
    pub(crate) version: u64,
    /// Time at which Payments stored the version.
    pub(crate) made_ms: i64,
    /// Time at which Orders stored it.
    pub(crate) stored_ms: i64,
}

impl OrderTrace {
    /// True if the client received a response that the order was placed.
    pub(crate) fn is_placed(&self) -> bool {
        matches!(&self.placed, Some(placed) if !matches!(placed.answer, OrderOutcome::Failed(_) | OrderOutcome::NotSent))
    }

    /// True if the payment covers the order, which it does until it is voided.
    pub(crate) fn is_covered(&self) -> bool {
        !self.versions.is_empty() && !self.is_voided
    }
}

impl OrderEnd {
    /// True if the order is settled: Orders has the payment's last version, and the order's status follows from it.
    pub(crate) fn is_settled(&self, record: &OrderTrace) -> bool {
        let last = record.versions.last().map(|version| version.number);
        let has_last = last.is_none_or(|last| self.copies.iter().any(|copy| copy.version >= last));
        let is_right = match &self.status {
            None => !record.is_placed(),
            Some(status) => (status == "accepted") == record.is_covered(),
        };
        has_last && is_right
    }
}

/// Reads the final state of each order, repeatedly until all are settled, for [`SETTLED_MAX`] at most.
pub(crate) async fn ends(api: &Api, mark: Mark, records: &[OrderTrace]) -> Result<Vec<OrderEnd>, ApiError> {
    let started = Instant::now();
    let mut ends: Vec<Option<OrderEnd>> = vec![None; records.len()];
    loop {
        let open: Vec<usize> = (0..records.len())
            .filter(|number| ends[*number].as_ref().is_none_or(|end| !end.is_settled(&records[*number])))
            .collect();
        if open.is_empty() || (started.elapsed() > SETTLED_MAX && ends.iter().all(Option::is_some)) {
            return Ok(ends.into_iter().flatten().collect());
        }
        if ends.iter().all(Option::is_some) {
            tokio::time::sleep(POLL).await;
        }
        let reads = stream::iter(open).map(|number| async move { (number, end(api, mark, &records[number]).await) });
        let mut reads = std::pin::pin!(reads.buffer_unordered(READS_CONCURRENT));
        while let Some((number, end)) = reads.next().await {
            ends[number] = Some(end?);
        }
    }
}

async fn end(api: &Api, mark: Mark, record: &OrderTrace) -> Result<OrderEnd, ApiError> {
    let order_id = &record.order.order_id;
    let order = match read(async || api.order(order_id).await).await {
        Ok(order) => Some(order),
        Err(ApiError::Status { status: 404, .. }) => None,
        Err(error) => return Err(error),
    };
    let copies = read(async || api.copies(order_id).await).await?;
    let copies = copies.payments.into_iter().map(|copy| CopySeen {
        version: copy.version,
        made_ms: mark.ms(copy.updated_at),
        stored_ms: mark.ms(copy.received_at),
    });
    let decided_ms = order.as_ref().map_or(0, |order| mark.ms(order.payment.decided_at));
    Ok(OrderEnd { status: order.map(|order| order.status), decided_ms, copies: copies.collect() })
}

/// Reads with retries on transient errors.
async fn read<T>(ask: impl AsyncFn() -> Result<T, ApiError>) -> Result<T, ApiError> {
    let is_transient = |error: &_| {
        matches!(error, ApiError::Status { status: 429 | 500.., .. } | ApiError::TimedOut(_) | ApiError::Connection(_))
    };
    READING.until(ask, |answer| !answer.as_ref().is_err_and(is_transient)).await
}
