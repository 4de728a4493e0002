//! Batches of records and their Lambda events.

use super::ledger::Ticket;
use super::source::StreamRecord;

const EVENT_START: &str = "{\"Records\":[";
const EVENT_END: &str = "]}";
/// Size of an event without its records.
pub(super) const EVENT_FRAME_BYTES: usize = EVENT_START.len() + EVENT_END.len();

/// Records to deliver together, with their tickets in the ledger.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) records: Vec<StreamRecord>,
    pub(super) tickets: Vec<Ticket>,
}

/// Returns the event to invoke the function with.
pub(super) fn event_of(records: &[StreamRecord]) -> String {
    let events: Vec<&str> = records.iter().map(|record| record.event.as_str()).collect();
    format!("{EVENT_START}{}{EVENT_END}", events.join(","))
}
