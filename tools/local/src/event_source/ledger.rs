//! Records of a shard that are read but not settled. They bound the read-ahead and determine the checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Read-ahead limit of a shard in bytes, independent of its batch size. It has room for ten full payloads, one for each
/// of the batches that can be in flight.
const LOOK_AHEAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Read-ahead limit in full batches, for each batch that can be in flight: that batch and the next.
const LOOK_AHEAD_BATCHES: usize = 2;

/// Identifies a record that is read but not settled.
pub(super) type Ticket = u64;

/// Unsettled records of a shard. They are read in order and settled in any order.
#[derive(Debug)]
pub(super) struct Ledger {
    records_max: usize,
    unsettled: BTreeMap<Ticket, Unsettled>,
    bytes: usize,
    next: Ticket,
    last_read: Option<Arc<str>>,
    checkpoint: Option<Arc<str>>,
}

#[derive(Debug)]
struct Unsettled {
    bytes: usize,
    /// Sequence number of the previous record: the checkpoint while this is the first unsettled record.
    before: Option<Arc<str>>,
}

impl Ledger {
    pub(super) fn new(batch_size: usize, parallelization_factor: usize) -> Self {
        let records_max = batch_size * parallelization_factor * LOOK_AHEAD_BATCHES;
        Self { records_max, unsettled: BTreeMap::new(), bytes: 0, next: 0, last_read: None, checkpoint: None }
    }

    /// Returns the number of records that may be read now.
    pub(super) fn room(&self) -> usize {
        if self.bytes < LOOK_AHEAD_BYTES_MAX { self.records_max.saturating_sub(self.unsettled.len()) } else { 0 }
    }

    /// True if no record that was read is unsettled.
    pub(super) fn is_settled(&self) -> bool {
        self.unsettled.is_empty()
    }

    /// Adds a record that was read and must be settled.
    pub(super) fn enter(&mut self, sequence_number: &str, bytes: usize) -> Ticket {
        let ticket = self.next;
        self.next += 1;
        self.bytes += bytes;
        let before = self.last_read.replace(sequence_number.into());
        self.unsettled.insert(ticket, Unsettled { bytes, before });
        ticket
    }

    /// Notes a record that was read and is not delivered.
    pub(super) fn skip(&mut self, sequence_number: &str) {
        self.last_read = Some(sequence_number.into());
    }

    pub(super) fn settle(&mut self, tickets: &[Ticket]) {
        for ticket in tickets {
            let settled = self.unsettled.remove(ticket);
            self.bytes -= settled.map_or(0, |record| record.bytes);
        }
    }

    /// Returns the checkpoint, if it has changed since the last call: the sequence number up to which all records are
    /// settled or skipped.
    pub(super) fn advance(&mut self) -> Option<Arc<str>> {
        let done = match self.unsettled.first_key_value() {
            Some((_, first)) => first.before.clone(),
            None => self.last_read.clone(),
        };
        if done == self.checkpoint {
            return None;
        }
        self.checkpoint.clone_from(&done);
        done
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn advance(ledger: &mut Ledger) -> Option<String> {
        ledger.advance().map(|number| number.to_string())
    }

    #[test]
    fn the_checkpoint_stays_before_the_lowest_unsettled_record() {
        let mut ledger = Ledger::new(10, 2);
        let tickets: Vec<Ticket> = ["1", "2", "3"].map(|number| ledger.enter(number, 1)).into();
        ledger.settle(&tickets[1..2]);
        assert_eq!(advance(&mut ledger), None, "the first record is still in flight");
        ledger.settle(&tickets[..1]);
        assert_eq!(advance(&mut ledger).as_deref(), Some("2"));
        assert_eq!(advance(&mut ledger), None);
        ledger.settle(&tickets[2..]);
        assert_eq!(advance(&mut ledger).as_deref(), Some("3"));
    }

    #[test]
    fn skipped_records_advance_the_checkpoint_and_use_no_room() {
        let mut ledger = Ledger::new(1, 1);
        ledger.skip("1");
        assert_eq!(advance(&mut ledger).as_deref(), Some("1"));
        let ticket = ledger.enter("2", 1);
        let room = ledger.room();
        ledger.skip("3");
        assert_eq!((advance(&mut ledger), ledger.room()), (None, room));
        ledger.settle(&[ticket]);
        assert_eq!(advance(&mut ledger).as_deref(), Some("3"));
    }

    #[test]
    fn room_is_bounded_in_records_and_in_bytes() {
        let mut ledger = Ledger::new(3, 2);
        assert_eq!(ledger.room(), 12);
        let tickets: Vec<Ticket> = (0..12).map(|number: i32| ledger.enter(&number.to_string(), 1)).collect();
        assert_eq!(ledger.room(), 0);
        ledger.settle(&tickets);
        let large = ledger.enter("12", LOOK_AHEAD_BYTES_MAX);
        assert_eq!(ledger.room(), 0);
        ledger.settle(&[large]);
        assert_eq!(ledger.room(), 12);
    }

    proptest! {
        /// For any order of settling, the checkpoint never passes an unsettled record and never moves back.
        #[test]
        fn the_checkpoint_never_passes_an_unsettled_record(
            is_selected in proptest::collection::vec(any::<bool>(), 1..60),
            order in proptest::collection::vec(any::<prop::sample::Index>(), 60),
        ) {
            let mut ledger = Ledger::new(100, 1);
            let mut waiting: Vec<(usize, Ticket)> = Vec::new();
            for (index, is_selected) in is_selected.iter().enumerate() {
                if *is_selected {
                    waiting.push((index, ledger.enter(&index.to_string(), 1)));
                } else {
                    ledger.skip(&index.to_string());
                }
            }
            let mut done_before = 0;
            for choice in order {
                let first_unsettled = waiting.iter().map(|(index, _)| *index).min().unwrap_or(is_selected.len());
                if let Some(number) = ledger.advance() {
                    let done = number.parse::<usize>().unwrap() + 1;
                    prop_assert!(done > done_before, "the checkpoint moves forward");
                    done_before = done;
                }
                prop_assert_eq!(done_before, first_unsettled);
                if waiting.is_empty() {
                    break;
                }
                let (_, ticket) = waiting.remove(choice.index(waiting.len()));
                ledger.settle(&[ticket]);
            }
        }
    }
}
