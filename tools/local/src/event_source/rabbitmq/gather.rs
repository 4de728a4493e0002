//! Gathering of a batch: until it is full, its window ends, or the next message would exceed the payload.

use std::time::Duration;

use tokio::time::Instant;

/// Limits of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) messages_max: usize,
    pub(super) window: Duration,
    /// Size of the event with all messages.
    pub(super) event_bytes_max: usize,
    /// Size of the event without messages.
    pub(super) frame_bytes: usize,
}

/// A message to deliver.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) tag: u64,
    pub(super) redelivered: bool,
    /// The message in the event, as JSON.
    pub(super) json: String,
}

/// Messages that wait for delivery.
#[derive(Debug)]
pub(super) struct Gathering {
    limits: Limits,
    messages: Vec<Message>,
    bytes: usize,
    /// A message that does not fit the payload. It begins the next batch.
    next: Option<Message>,
    window_began: Option<Instant>,
}

impl Gathering {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, messages: Vec::new(), bytes: limits.frame_bytes, next: None, window_began: None }
    }

    /// True if a message of this size fits into no event.
    pub(super) fn is_too_large(&self, json_bytes: usize) -> bool {
        self.limits.frame_bytes + json_bytes > self.limits.event_bytes_max
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Adds a message. Nothing may be added to a batch that is full.
    pub(super) fn push(&mut self, message: Message, now: Instant) {
        // A window that ended without messages is void; a new one begins with the first message.
        if self.messages.is_empty() && self.window_ends().is_none_or(|end| end <= now) {
            self.window_began = Some(now);
        }
        let bytes = self.bytes + message.json.len() + usize::from(!self.messages.is_empty());
        if bytes > self.limits.event_bytes_max && !self.messages.is_empty() {
            self.next = Some(message);
            return;
        }
        self.bytes = bytes;
        self.messages.push(message);
    }

    /// True if the batch cannot grow.
    pub(super) fn is_full(&self) -> bool {
        self.messages.len() >= self.limits.messages_max || self.next.is_some()
    }

    /// The time at which the batch is due, if it has messages.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.messages.is_empty() { None } else { self.window_ends() }
    }

    /// Takes the batch.
    pub(super) fn take(&mut self) -> Vec<Message> {
        self.bytes = self.limits.frame_bytes;
        std::mem::take(&mut self.messages)
    }

    /// Begins the next window, after a batch was delivered.
    pub(super) fn begin_next(&mut self, now: Instant) {
        self.window_began = Some(now);
        if let Some(message) = self.next.take() {
            self.push(message, now);
        }
    }

    fn window_ends(&self) -> Option<Instant> {
        self.window_began.map(|began| began + self.limits.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn gathering(messages_max: usize) -> Gathering {
        Gathering::new(Limits { messages_max, window: WINDOW, event_bytes_max: 100, frame_bytes: 20 })
    }

    fn push(gathering: &mut Gathering, tag: u64, bytes: usize, now: Instant) {
        gathering.push(Message { tag, redelivered: false, json: "x".repeat(bytes) }, now);
    }

    fn taken(gathering: &mut Gathering) -> Vec<u64> {
        gathering.take().iter().map(|message| message.tag).collect()
    }

    #[test]
    fn a_batch_of_messages_is_due_when_it_is_full_or_its_window_has_ended() {
        let (mut gathering, now) = (gathering(2), Instant::now());
        assert_eq!(gathering.due(), None);
        push(&mut gathering, 1, 1, now);
        assert_eq!((gathering.is_full(), gathering.due()), (false, Some(now + WINDOW)));
        push(&mut gathering, 2, 1, now + WINDOW / 2);
        assert!(gathering.is_full());
        assert_eq!(gathering.due(), Some(now + WINDOW), "the window began with the first message");
        assert_eq!(taken(&mut gathering), [1, 2]);
        gathering.begin_next(now + WINDOW);
        assert_eq!(gathering.due(), None);
        push(&mut gathering, 3, 1, now + WINDOW * 3 / 2);
        assert_eq!(gathering.due(), Some(now + WINDOW * 2), "the window began with the end of the previous batch");
        assert_eq!(taken(&mut gathering), [3]);
        gathering.begin_next(now + WINDOW * 2);
        push(&mut gathering, 4, 1, now + WINDOW * 5);
        assert_eq!(gathering.due(), Some(now + WINDOW * 6), "the empty window is void");
    }

    #[test]
    fn a_batch_of_messages_fits_into_one_payload() {
        let (mut gathering, now) = (gathering(9), Instant::now());
        assert!(!gathering.is_too_large(80) && gathering.is_too_large(81));
        push(&mut gathering, 1, 40, now);
        push(&mut gathering, 2, 39, now);
        assert!(!gathering.is_full(), "both fit, with a comma");
        push(&mut gathering, 3, 1, now);
        assert!(gathering.is_full());
        assert_eq!(taken(&mut gathering), [1, 2]);
        gathering.begin_next(now);
        assert!(!gathering.is_full());
        assert_eq!(taken(&mut gathering), [3]);
    }
}
