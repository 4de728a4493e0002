//! Slots of a mapping, in which records wait for their batch. Each slot has one batch in flight at a time. A shard has
//! `ParallelizationFactor` slots, and all records of a key use the same one, so the records of a key stay in order. All
//! records of a Kafka partition use the same slot.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::batch::{Batch, StreamRecord};
use super::ledger::Ticket;
use crate::lambda::PAYLOAD_BYTES_MAX;

/// Batch size and batching window: a batch is delivered when it is full or its window ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batching {
    pub(super) size_max: usize,
    pub(super) window: Duration,
    /// Size of an event without its records.
    pub(super) frame_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Slot {
    batching: Batching,
    queue: VecDeque<(Ticket, StreamRecord)>,
    is_busy: bool,
    window_began: Option<Instant>,
}

impl Slot {
    pub(super) fn new(batching: Batching) -> Self {
        Self { batching, queue: VecDeque::new(), is_busy: false, window_began: None }
    }

    /// True while a batch of this slot is in flight.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// True if no record waits and no batch is in flight.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_busy && self.queue.is_empty()
    }

    pub(super) fn push(&mut self, ticket: Ticket, record: StreamRecord, now: Instant) {
        // A window that ended without records is void; a new one begins with the first record.
        if self.queue.is_empty() && self.window_ends().is_none_or(|end| end <= now) {
            self.window_began = Some(now);
        }
        self.queue.push_back((ticket, record));
    }

    /// Takes the next batch if it is full or its window has ended, and marks the slot busy. If `waits` is false, a
    /// batch is due without waiting for its window.
    pub(super) fn take(&mut self, now: Instant, waits: bool) -> Option<Batch> {
        if self.is_busy || self.queue.is_empty() {
            return None;
        }
        let size = self.size();
        let is_full = size < self.queue.len() || size == self.batching.size_max;
        let has_waited = self.window_ends().is_none_or(|end| end <= now);
        if waits && !is_full && !has_waited {
            return None;
        }
        self.is_busy = true;
        let (tickets, records) = self.queue.drain(..size).unzip();
        Some(Batch { records, tickets })
    }

    /// Marks the slot free after its batch was delivered, and begins the next window.
    pub(super) fn release(&mut self, now: Instant) {
        self.is_busy = false;
        self.window_began = Some(now);
    }

    /// Returns the end of the window if records wait for it.
    pub(super) fn window_deadline(&self) -> Option<Instant> {
        if self.is_busy || self.queue.is_empty() { None } else { self.window_ends() }
    }

    fn window_ends(&self) -> Option<Instant> {
        self.window_began.map(|began| began + self.batching.window)
    }

    /// Returns the size of the next batch: as many records as fit the payload, and at least one.
    fn size(&self) -> usize {
        let mut bytes = self.batching.frame_bytes;
        let fitting = self.queue.iter().take(self.batching.size_max).take_while(|(_, record)| {
            bytes += record.event.len() + 1;
            bytes <= PAYLOAD_BYTES_MAX
        });
        fitting.count().max(1).min(self.queue.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT_FRAME_BYTES: usize = 14;
    const WINDOW: Duration = Duration::from_secs(10);

    fn slot(size_max: usize, window: Duration) -> Slot {
        Slot::new(Batching { size_max, window, frame_bytes: EVENT_FRAME_BYTES })
    }

    fn push(slot: &mut Slot, ticket: Ticket, bytes: usize, now: Instant) {
        let event = "x".repeat(bytes);
        slot.push(
            ticket,
            StreamRecord {
                shard: "shard".into(),
                sequence_number: ticket.to_string(),
                arrived_at: 0.0,
                key_hash: 0,
                event,
            },
            now,
        );
    }

    fn take(slot: &mut Slot, now: Instant) -> Option<Vec<Ticket>> {
        slot.take(now, true).map(|batch| batch.tickets)
    }

    #[test]
    fn a_batch_is_delivered_when_it_is_full_or_its_window_has_ended() {
        let (mut slot, now) = (slot(2, WINDOW), Instant::now());
        assert_eq!(take(&mut slot, now), None);
        push(&mut slot, 1, 1, now);
        assert_eq!((take(&mut slot, now), slot.window_deadline()), (None, Some(now + WINDOW)));
        push(&mut slot, 2, 1, now);
        push(&mut slot, 3, 1, now);
        assert_eq!(take(&mut slot, now), Some(vec![1, 2]));
        assert_eq!((take(&mut slot, now + WINDOW), slot.window_deadline()), (None, None), "one batch at a time");
        slot.release(now);
        assert_eq!(take(&mut slot, now + WINDOW / 2), None);
        assert_eq!(take(&mut slot, now + WINDOW), Some(vec![3]));
    }

    #[test]
    fn the_next_window_begins_when_the_previous_invocation_ends() {
        let (mut slot, now) = (slot(9, WINDOW), Instant::now());
        push(&mut slot, 1, 1, now);
        assert_eq!(take(&mut slot, now + WINDOW), Some(vec![1]));
        slot.release(now + WINDOW);
        push(&mut slot, 2, 1, now + WINDOW * 3 / 2);
        assert_eq!(slot.window_deadline(), Some(now + WINDOW * 2));
        assert_eq!(take(&mut slot, now + WINDOW * 2), Some(vec![2]));
        slot.release(now + WINDOW * 2);
        push(&mut slot, 3, 1, now + WINDOW * 5);
        assert_eq!(slot.window_deadline(), Some(now + WINDOW * 6), "the empty window is void");
    }

    #[test]
    fn without_a_window_or_when_draining_a_batch_is_delivered_immediately() {
        let (mut slot, now) = (slot(9, Duration::ZERO), Instant::now());
        push(&mut slot, 1, 1, now);
        assert_eq!(take(&mut slot, now), Some(vec![1]));
        let mut slot = self::slot(9, WINDOW);
        push(&mut slot, 1, 1, now);
        assert!(slot.take(now, false).is_some());
    }

    #[test]
    fn a_batch_fits_into_one_payload() {
        let (mut slot, now) = (slot(9, WINDOW), Instant::now());
        push(&mut slot, 1, PAYLOAD_BYTES_MAX - EVENT_FRAME_BYTES - 1 - 2, now);
        push(&mut slot, 2, 1, now);
        assert_eq!(take(&mut slot, now), None, "the two records fit");
        push(&mut slot, 3, 1, now);
        assert_eq!(take(&mut slot, now), Some(vec![1, 2]), "the third record does not fit");
    }
}
