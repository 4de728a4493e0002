//! Order in which the messages of a batch are sent.

use std::collections::{HashMap, VecDeque};

/// Messages that wait, by key: a key is busy from [`next`](Self::next) to [`release`](Self::release), so that at most one
/// message of it is in flight.
#[derive(Debug, Default)]
pub(crate) struct Lanes<'m> {
    waiting: HashMap<&'m str, VecDeque<usize>>,
    /// Keys that are not busy and have messages, in the order in which they became ready.
    ready: VecDeque<&'m str>,
}

impl<'m> Lanes<'m> {
    /// Creates lanes of messages, given as key and place in the batch, in order.
    pub(crate) fn new(messages: impl IntoIterator<Item = (&'m str, usize)>) -> Self {
        let mut lanes = Self::default();
        for (key, place) in messages {
            let lane = lanes.waiting.entry(key).or_default();
            if lane.is_empty() {
                lanes.ready.push_back(key);
            }
            lane.push_back(place);
        }
        lanes
    }

    /// Takes the next message that may be sent. Its key is busy from now on.
    pub(crate) fn next(&mut self) -> Option<usize> {
        let key = self.ready.pop_front()?;
        self.waiting.get_mut(key).and_then(VecDeque::pop_front)
    }

    /// Makes a busy key ready.
    pub(crate) fn release(&mut self, key: &'m str) {
        if self.waiting.get(key).is_some_and(|lane| !lane.is_empty()) {
            self.ready.push_back(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_message_in_flight_and_keeps_their_order() {
        let mut lanes = Lanes::new([("a", 0), ("b", 1), ("a", 2), ("a", 3)]);
        assert_eq!([lanes.next(), lanes.next(), lanes.next()], [Some(0), Some(1), None]);
        lanes.release("b");
        assert_eq!(lanes.next(), None);
        lanes.release("a");
        assert_eq!([lanes.next(), lanes.next()], [Some(2), None]);
        lanes.release("a");
        assert_eq!(lanes.next(), Some(3));
        lanes.release("a");
        assert_eq!(lanes.next(), None);
    }
}
