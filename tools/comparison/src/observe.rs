//! Where every order ended, read through the APIs that anybody reads them through.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use paystream_client::{ApiError, Pace};

use crate::act::{OrderOutcome, OrderTrace};
use crate::api::Api;
use crate::mark::Mark;

/// Orders that are read at once.
const AT_ONCE: usize = 8;
/// How long it may take until every order is where its payment puts it.
const SETTLED_MAX: Duration = Duration::from_mins(3);
/// How often it is looked whether those are, that were not.
const POLL: Duration = Duration::from_millis(200);
/// How often a read is tried.
const READING: Pace = Pace::times(5, POLL);

/// Where an order ended. All times are milliseconds since the window began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderEnd {
    /// Its status; none where there is no such order.
    pub(crate) status: Option<String>,
    /// When that was decided.
    pub(crate) decided_ms: i64,
    /// Orders' copies of its payments.
    pub(crate) copies: Vec<CopySeen>,
}

/// Orders' copy of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CopySeen {
    pub(crate) version: u64,
    /// When Payments made that version.
    pub(crate) made_ms: i64,
    /// When Orders stored it.
    pub(crate) stored_ms: i64,
}

impl OrderTrace {
    /// Whether its client knows that the order was placed.
    pub(crate) fn is_placed(&self) -> bool {
        matches!(&self.placed, Some(placed) if !matches!(placed.answer, OrderOutcome::Failed(_) | OrderOutcome::NotSent))
    }

    /// Whether the payment covers the order: it does until it is voided.
    pub(crate) fn is_covered(&self) -> bool {
        !self.versions.is_empty() && !self.is_voided
    }
}

impl OrderEnd {
    /// Whether nothing is to come: Orders has the payment's last version, and the order is where that puts it.
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

/// Reads where each order ended, again and again until all are settled, or as long as that may take.
pub(crate) async fn ends(api: &Api, mark: Mark, records: &[OrderTrace]) -> Result<Vec<OrderEnd>, ApiError> {
    let begun = Instant::now();
    let mut ends: Vec<Option<OrderEnd>> = vec![None; records.len()];
    loop {
        let open: Vec<usize> = (0..records.len())
            .filter(|number| ends[*number].as_ref().is_none_or(|end| !end.is_settled(&records[*number])))
            .collect();
        if open.is_empty() || (begun.elapsed() > SETTLED_MAX && ends.iter().all(Option::is_some)) {
            return Ok(ends.into_iter().flatten().collect());
        }
        if ends.iter().all(Option::is_some) {
            tokio::time::sleep(POLL).await;
        }
        let reads = stream::iter(open).map(|number| async move { (number, end(api, mark, &records[number]).await) });
        let mut reads = std::pin::pin!(reads.buffer_unordered(AT_ONCE));
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
        stored_ms: mark.ms(copy.stored_at),
    });
    let decided_ms = order.as_ref().map_or(0, |order| mark.ms(order.payment.decided_at));
    Ok(OrderEnd { status: order.map(|order| order.status), decided_ms, copies: copies.collect() })
}

/// Reads, more than once where there is passing trouble.
async fn read<T>(ask: impl AsyncFn() -> Result<T, ApiError>) -> Result<T, ApiError> {
    let is_passing = |error: &_| {
        matches!(error, ApiError::Status { status: 429 | 500.., .. } | ApiError::TimedOut(_) | ApiError::Connection(_))
    };
    READING.until(ask, |answer| !answer.as_ref().is_err_and(is_passing)).await
}
