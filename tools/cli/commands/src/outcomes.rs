//! Waiting for the outcomes of redriven records, and their text output.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use paystream_operations::RedrivenRecord;

use crate::output::{self, OutputError};

/// End of the `--help` text of both redrives.
pub(crate) const OUTCOMES: &str = "\
Outcome of each record:
  projected          Orders stored the payment in this version
  stale              Orders had this version or a newer one
  settled            the order's status matches its payments
  published          the payment of an image is published
  recovering         the payment of an image is processing, and on its way to payment-recovery again
  quarantined again  it is in quarantine under its new id; the old copy is deleted
  still unreadable   an item cannot be decoded: the order cannot be settled, or the payment not published
  not sent           it is where it was
  unknown            it was sent and is also where it was; no outcome was seen within the wait

Exit codes:
  0  every record is projected, stale, settled, published or recovering, or --dry-run found only records that can be sent
  1  the others, or a handled batch could not be closed
  2  nothing was done, or the output could not be written";

/// Flags of the wait for outcomes.
#[derive(Debug, Clone, Args)]
pub(crate) struct WaitArguments {
    /// Look for the outcomes once, and do not wait for them
    #[arg(long, conflicts_with = "wait_max")]
    no_wait: bool,
    /// Wait for the outcomes, at most this many seconds in total
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait_max: u64,
}

impl WaitArguments {
    pub(crate) fn wait_max(&self) -> Duration {
        if self.no_wait { Duration::ZERO } else { Duration::from_secs(self.wait_max) }
    }
}

/// Formats the number of records of each outcome: `2 projected, 1 stale`.
pub(crate) fn counts(records: &[RedrivenRecord]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        *counts.entry(record.outcome.as_str()).or_default() += 1;
    }
    counts.iter().map(|(outcome, count)| format!("{count} {}", words(outcome))).collect::<Vec<_>>().join(", ")
}

/// Returns the name of an outcome in words.
fn words(outcome: &str) -> String {
    outcome.replace('_', " ")
}

/// Prints a line for each record.
pub(crate) fn print<'r>(records: impl ExactSizeIterator<Item = &'r RedrivenRecord>) -> Result<(), OutputError> {
    output::lines(records.map(|record| {
        let new_id = record.outcome.new_id().map(|id| format!(" as {id}"));
        let reason = record.outcome.reason().map(|reason| format!(": {}", output::foreign(reason, 200)));
        format!(
            "  {}: {}{}{}",
            record.id,
            words(record.outcome.as_str()),
            new_id.unwrap_or_default(),
            reason.unwrap_or_default()
        )
    }))
}
