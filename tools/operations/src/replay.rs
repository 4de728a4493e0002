//! Replay of stored payments onto the stream: backfills a new consumer, or one that was down for longer than the
//! stream's retention.

use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::time::Duration;

use payment_events::{OrderId, PaymentId, Timestamp};
use payments::{PAGE_MAX, PaymentQueries, PaymentRecord, PaymentStore, Status};
use serde::Serialize;
use tokio::time::Instant;

use crate::differences::Unreadable;
use crate::progress::{OperationProgress, Watch};
use crate::read::of_payments;
use crate::republish::{From, NotSent, Republish, SendReport};
use crate::{OperationError, Stack};

/// Maximum events per chunk, unless one payment has more. A chunk is also at most a quarter of a second's rate.
const CHUNK_MAX: usize = 200;

/// Parameters of a replay.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Publishes only payments changed at this time or later.
    pub since: Option<Timestamp>,
    /// Publishes only the payments of this order.
    pub order_id: Option<OrderId>,
    /// Resumes the table scan after this payment, where an earlier replay stopped.
    pub after: Option<PaymentId>,
    /// Maximum events published per second. A payment has one for each version.
    pub rate_per_second: NonZeroU32,
    /// Counts without publishing.
    pub dry_run: bool,
}

/// Outcome of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Payments read.
    pub read: u64,
    /// Payments published; in a dry run, payments that would be.
    pub sent: u64,
    /// Payments skipped: processing, or changed before `since`.
    pub passed_over: u64,
    /// Payments that could not be published. The replay stops at the first chunk that has any.
    pub not_sent: Vec<NotSent>,
    /// Items that could not be decoded.
    pub unreadable: Vec<Unreadable>,
    /// True if the replay reached the end.
    pub is_complete: bool,
    /// Payment to resume after if the replay is incomplete.
    pub go_on_after: Option<PaymentId>,
}

impl Replay {
    /// Publishes until the end, the first failure to publish, or until `stop` returns true.
    pub async fn run(
        &self,
        stack: &Stack,
        stop: &(dyn Fn() -> bool + Sync),
        watch: Watch<'_>,
    ) -> Result<Replayed, OperationError> {
        let mut run = Run::new(self, Republish::new(stack)?);
        if let Some(order_id) = &self.order_id {
            let table = stack.payments()?;
            let mut records = Vec::new();
            let mut after = None;
            loop {
                let page = table.find_by_order(order_id, after.as_ref(), PAGE_MAX).await?;
                for payment in page.payments {
                    records.extend(table.load(&payment.payment_id).await?);
                }
                let Some(last) = page.next_after else { break };
                after = Some(last);
            }
            run.about = records.len() as u64;
            run.replayed.is_complete = run.page(records, stop, watch).await.is_continue();
            return Ok(run.replayed);
        }
        let mut scan = stack.payments_scan()?;
        run.about = scan.count_estimate().await.unwrap_or(0);
        if let Some(after) = &self.after {
            scan = scan.after(after);
            run.replayed.go_on_after = Some(after.clone());
        }
        while let Some(page) = scan.next_page().await? {
            let mut records = Vec::with_capacity(page.len());
            for item in page {
                match item {
                    Ok(record) => records.push(record),
                    Err(item) => run.replayed.unreadable.push(of_payments(item)),
                }
            }
            if run.page(records, stop, watch).await.is_break() {
                return Ok(run.replayed);
            }
        }
        Ok(Replayed { is_complete: true, go_on_after: None, ..run.replayed })
    }

    fn is_wanted(&self, record: &PaymentRecord) -> bool {
        record.payment.status != Status::Processing && self.since.is_none_or(|since| record.payment.updated_at >= since)
    }
}

struct Run<'r> {
    replay: &'r Replay,
    republish: Republish,
    pace: Pace,
    about: u64,
    /// Events published so far.
    events: u64,
    replayed: Replayed,
}

impl<'r> Run<'r> {
    fn new(replay: &'r Replay, republish: Republish) -> Self {
        let pace = Pace { started: Instant::now(), rate_per_second: replay.rate_per_second };
        Self { replay, republish, pace, about: 0, events: 0, replayed: Replayed::default() }
    }

    /// Publishes a page. Breaks if the replay must stop.
    async fn page(
        &mut self,
        records: Vec<PaymentRecord>,
        stop: &(dyn Fn() -> bool + Sync),
        watch: Watch<'_>,
    ) -> ControlFlow<()> {
        let read_before = self.replayed.read;
        let count = records.len() as u64;
        let last = records.last().map(|record| record.payment.payment_id.clone());
        let wanted: Vec<_> = records.into_iter().filter(|record| self.replay.is_wanted(record)).collect();
        self.replayed.passed_over += count - wanted.len() as u64;
        let mut rest = &wanted[..];
        while !rest.is_empty() {
            if stop() {
                return ControlFlow::Break(());
            }
            let (chunk, later) = rest.split_at(self.pace.payments(rest));
            rest = later;
            self.chunk(chunk).await?;
            self.replayed.read = (self.replayed.read + chunk.len() as u64).min(read_before + count);
            self.replayed.go_on_after = chunk.last().map(|record| record.payment.payment_id.clone());
            watch(OperationProgress::Replaying {
                read: self.replayed.read,
                about: self.about,
                sent: self.replayed.sent,
            });
        }
        self.replayed.read = read_before + count;
        self.replayed.go_on_after = last.or(self.replayed.go_on_after.take());
        watch(OperationProgress::Replaying { read: self.replayed.read, about: self.about, sent: self.replayed.sent });
        if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Publishes a chunk at its due time. Breaks if a payment could not be published.
    async fn chunk(&mut self, chunk: &[PaymentRecord]) -> ControlFlow<()> {
        if self.replay.dry_run {
            self.replayed.sent += chunk.len() as u64;
            return ControlFlow::Continue(());
        }
        tokio::time::sleep_until(self.pace.due(self.events)).await;
        self.events += chunk.iter().map(|record| record.payment.version).sum::<u64>();
        let mut report = SendReport::default();
        self.republish.send(chunk, From::First, &mut report).await;
        self.replayed.sent += report.sent.len() as u64;
        self.replayed.not_sent = report.not_sent;
        if self.replayed.not_sent.is_empty() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// Constant rate, counted from the start of the replay. After a slow period it catches up, one chunk at a time.
struct Pace {
    started: Instant,
    rate_per_second: NonZeroU32,
}

impl Pace {
    /// Returns when the event after the first `sent` is due.
    fn due(&self, sent: u64) -> Instant {
        let nanos = u128::from(sent) * 1_000_000_000 / u128::from(self.rate_per_second.get());
        self.started + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Returns how many of the first payments make a chunk: as many as their events fit, and at least one.
    fn payments(&self, wanted: &[PaymentRecord]) -> usize {
        let mut events = 0;
        let fit = wanted.iter().take_while(|record| {
            events += record.payment.version;
            events <= self.chunk() as u64
        });
        fit.count().max(1)
    }

    fn chunk(&self) -> usize {
        usize::try_from(self.rate_per_second.get() / 4).unwrap_or(CHUNK_MAX).clamp(1, CHUNK_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rate: u32) -> Pace {
        Pace { started: Instant::now(), rate_per_second: NonZeroU32::new(rate).unwrap() }
    }

    #[tokio::test]
    async fn a_replay_is_never_more_than_a_chunk_ahead_of_its_rate() {
        for rate in [1, 3, 200, 100_000] {
            let pace = pace(rate);
            let chunk = pace.chunk() as u64;
            for sent in (0..10_000_u64).step_by(pace.chunk()) {
                let waited = pace.due(sent) - pace.started;
                let allowed = waited.as_nanos() * u128::from(rate) / 1_000_000_000;
                assert!(u128::from(sent) <= allowed + 1, "{sent} at {rate}");
            }
            assert!(chunk <= u64::from(rate / 4).max(1), "{rate}");
        }
    }

    #[tokio::test]
    async fn the_first_chunk_does_not_wait() {
        let pace = pace(1);
        assert_eq!(pace.due(0), pace.started);
        assert_eq!(pace.due(90) - pace.started, Duration::from_secs(90));
    }
}
