//! Where the records of some keys of a shard wait for their batch. A shard has as many slots as its parallelisation
//! factor, and a key is always in the same one: so there is one batch of it on its way at most, and its order is kept.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::batch::{Batch, EVENT_FRAME_BYTES};
use super::ledger::Ticket;
use super::source::StreamRecord;
use crate::lambda::PAYLOAD_BYTES_MAX;

/// When a batch is delivered: as soon as it is full, and otherwise when its window has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batching {
    pub(super) size_max: usize,
    pub(super) window: Duration,
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

    /// Whether a batch of it is on its way.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Whether it has nothing to deliver and delivers nothing.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_busy && self.queue.is_empty()
    }

    pub(super) fn push(&mut self, ticket: Ticket, record: StreamRecord, now: Instant) {
        // A window that ended with nothing in it was none: the next begins with the first record.
        if self.queue.is_empty() && self.window_ends().is_none_or(|end| end <= now) {
            self.window_began = Some(now);
        }
        self.queue.push_back((ticket, record));
    }

    /// The next batch, if it is full or has waited for long enough; then the slot is busy. Nothing waits for its window
    /// where `waits` says so.
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

    /// Its batch has been delivered, and the next window begins.
    pub(super) fn release(&mut self, now: Instant) {
        self.is_busy = false;
        self.window_began = Some(now);
    }

    /// Until when what is in it waits, if that is what it does.
    pub(super) fn window_deadline(&self) -> Option<Instant> {
        if self.is_busy || self.queue.is_empty() { None } else { self.window_ends() }
    }

    fn window_ends(&self) -> Option<Instant> {
        self.window_began.map(|began| began + self.batching.window)
    }

    /// How many records the next batch takes: as many as the payload has room for, and one at least.
    fn size(&self) -> usize {
        let mut bytes = EVENT_FRAME_BYTES;
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

    const WINDOW: Duration = Duration::from_secs(10);

    fn slot(size_max: usize, window: Duration) -> Slot {
        Slot::new(Batching { size_max, window })
    }

    fn push(slot: &mut Slot, ticket: Ticket, bytes: usize, now: Instant) {
        let event = "x".repeat(bytes);
        slot.push(
            ticket,
            StreamRecord { sequence_number: ticket.to_string(), arrived_at: 0.0, key_hash: 0, event },
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
    fn the_next_window_begins_when_the_invocation_before_it_has_ended() {
        let (mut slot, now) = (slot(9, WINDOW), Instant::now());
        push(&mut slot, 1, 1, now);
        assert_eq!(take(&mut slot, now + WINDOW), Some(vec![1]));
        slot.release(now + WINDOW);
        push(&mut slot, 2, 1, now + WINDOW * 3 / 2);
        assert_eq!(slot.window_deadline(), Some(now + WINDOW * 2));
        assert_eq!(take(&mut slot, now + WINDOW * 2), Some(vec![2]));
        slot.release(now + WINDOW * 2);
        push(&mut slot, 3, 1, now + WINDOW * 5);
        assert_eq!(slot.window_deadline(), Some(now + WINDOW * 6), "nothing came within its window");
    }

    #[test]
    fn without_a_window_or_a_reason_to_wait_a_batch_is_delivered_at_once() {
        let (mut slot, now) = (slot(9, Duration::ZERO), Instant::now());
        push(&mut slot, 1, 1, now);
        assert_eq!(take(&mut slot, now), Some(vec![1]));
        let mut slot = self::slot(9, WINDOW);
        push(&mut slot, 1, 1, now);
        assert!(slot.take(now, false).is_some());
    }

    #[test]
    fn a_batch_holds_no_more_than_a_payload_does() {
        let (mut slot, now) = (slot(9, WINDOW), Instant::now());
        push(&mut slot, 1, PAYLOAD_BYTES_MAX - EVENT_FRAME_BYTES - 1 - 2, now);
        push(&mut slot, 2, 1, now);
        assert_eq!(take(&mut slot, now), None, "it just fits");
        push(&mut slot, 3, 1, now);
        assert_eq!(take(&mut slot, now), Some(vec![1, 2]), "it is full by its size");
    }
}
