//! One batch after the other.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use orders::{ProjectPayments, Quarantine};
use stream_batch::{BatchResponse, Limits, Progress, before, process_lanes};
use telemetry::WithCauses;

use crate::entry::{Entry, Unreadable, read};
use crate::event::KinesisBatch;

/// Orders that are worked on at once. One connection's worth of DynamoDB calls, and little memory.
pub const LANES_AT_ONCE_MAX: usize = 16;

/// The time that is kept free at the end of an invocation, so that a lane begun just before it can end: a few calls at
/// their longest.
const MARGIN_MAX: Duration = Duration::from_secs(15);

/// Projects batches of payment events.
#[derive(Clone)]
pub struct Projector {
    project: ProjectPayments,
    quarantine: Arc<dyn Quarantine>,
}

impl Projector {
    /// Projects with `project`, and sets aside into `quarantine` what cannot be read.
    pub fn new(project: ProjectPayments, quarantine: Arc<dyn Quarantine>) -> Self {
        Self { project, quarantine }
    }

    /// Handles a batch until shortly before `deadline`, and reports what is to be delivered again.
    pub async fn handle(&self, batch: KinesisBatch, deadline: SystemTime) -> BatchResponse {
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        // A function with little time still uses half of it: it would never get anywhere otherwise.
        let margin = MARGIN_MAX.min(left / 2);
        let limits = Limits { lanes_at_once_max: LANES_AT_ONCE_MAX, may_begin: before(deadline, margin) };
        let count = batch.records.len();
        let records = batch.records.into_iter().map(read);
        let response =
            process_lanes(records, &limits, async |key: &String, lane| self.handle_lane(key, lane).await).await;
        tracing::debug!(records = count, reported = response.batch_item_failures.len(), "batch handled");
        response
    }

    /// Sets aside what cannot be read, and projects the rest in one go. The lane stops at the first record that either
    /// failed for.
    async fn handle_lane(&self, key: &str, lane: Vec<Entry>) -> Progress {
        let mut payments = Vec::new();
        let mut first_payment = None;
        let mut stopped_at = None;
        for (place, entry) in lane.into_iter().enumerate() {
            match entry {
                Entry::Payment(payment) => {
                    first_payment.get_or_insert(place);
                    payments.push(*payment);
                }
                Entry::Unreadable(unreadable) => {
                    if !self.set_aside(&unreadable).await {
                        stopped_at = Some(place);
                        break;
                    }
                }
            }
        }
        if let Some(first) = first_payment
            && let Err(error) = self.project.project(payments).await
        {
            tracing::error!(order_id = key, error = %WithCauses(&error), "order {key} is left for the next delivery");
            stopped_at = Some(stopped_at.map_or(first, |place| first.min(place)));
        }
        stopped_at.map_or(Progress::Done, Progress::StoppedAfter)
    }

    async fn set_aside(&self, unreadable: &Unreadable) -> bool {
        let Unreadable { record, kind } = unreadable;
        let set_aside = self.quarantine.set_aside(record).await;
        let (shard_id, sequence_number) = (&record.shard_id, &record.sequence_number);
        match &set_aside {
            Ok(()) => tracing::warn!(
                shard_id,
                sequence_number,
                kind,
                data_bytes = record.data.len(),
                "a record that cannot be read is in quarantine"
            ),
            Err(error) => tracing::error!(
                shard_id,
                sequence_number,
                kind,
                error = %WithCauses(error),
                "a record that cannot be read could not be set aside, and is left for the next delivery"
            ),
        }
        set_aside.is_ok()
    }
}
