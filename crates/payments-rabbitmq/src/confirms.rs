//! Publisher confirms, matched with the messages in flight on one channel.
//!
//! The broker numbers the messages of a channel from 1 and confirms numbers. It returns an unroutable message with its
//! properties and without the number, before it confirms it: a confirm alone says nothing of an unroutable message.
//!
//! Source: <https://www.rabbitmq.com/docs/confirms#when-publishes-are-confirmed>.

use std::collections::BTreeMap;
use std::mem;

/// Outcome of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All queues to which the message was routed have it.
    Stored,
    /// No queue is bound for its routing key.
    Returned(String),
    /// A queue refused it: it is full, or failed.
    Refused,
    /// The broker closed the channel because the message is larger than it allows.
    TooLarge(String),
}

#[derive(Debug)]
struct InFlight {
    place: usize,
    id: String,
    body_bytes: usize,
    returned: Option<String>,
}

/// Messages in flight, by number.
#[derive(Debug, Default)]
pub(crate) struct Confirms {
    last_tag: u64,
    in_flight: BTreeMap<u64, InFlight>,
}

impl Confirms {
    /// Records a message that is about to be published. `place` identifies it to the caller.
    pub(crate) fn publishing(&mut self, place: usize, id: &str, body_bytes: usize) {
        self.last_tag = self.last_tag.saturating_add(1);
        let message = InFlight { place, id: id.to_owned(), body_bytes, returned: None };
        self.in_flight.insert(self.last_tag, message);
    }

    /// Records the return of the message with this id. A return that names none of those in flight applies to all of them,
    /// because each of them may be the one.
    pub(crate) fn returned(&mut self, id: Option<&str>, reason: &str) {
        let is_known = self.in_flight.values().any(|message| Some(message.id.as_str()) == id);
        for message in self.in_flight.values_mut() {
            if !is_known || Some(message.id.as_str()) == id {
                message.returned = Some(reason.to_owned());
            }
        }
    }

    /// Applies a confirm, and returns the places and outcomes of the messages that it settles: that with the number `tag`,
    /// or all up to it. A confirm of 0 with `multiple` is for all (AMQP 0-9-1, `basic.ack`).
    pub(crate) fn settle(&mut self, tag: u64, multiple: bool, is_stored: bool) -> Vec<(usize, Outcome)> {
        let settled: Vec<_> = if multiple {
            let later = match tag {
                0 => BTreeMap::new(),
                _ => self.in_flight.split_off(&tag.saturating_add(1)),
            };
            mem::replace(&mut self.in_flight, later).into_values().collect()
        } else {
            self.in_flight.remove(&tag).into_iter().collect()
        };
        let outcome = |message: InFlight| match (message.returned, is_stored) {
            (Some(reason), _) => (message.place, Outcome::Returned(reason)),
            (None, true) => (message.place, Outcome::Stored),
            (None, false) => (message.place, Outcome::Refused),
        };
        settled.into_iter().map(outcome).collect()
    }

    /// Returns the places of the messages with a body of this size.
    pub(crate) fn of_size(&self, bytes: usize) -> Vec<usize> {
        self.in_flight.values().filter(|message| message.body_bytes == bytes).map(|message| message.place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confirms(ids: &[&str]) -> Confirms {
        let mut confirms = Confirms::default();
        ids.iter().enumerate().for_each(|(place, id)| confirms.publishing(place, id, id.len()));
        confirms
    }

    #[test]
    fn a_confirm_settles_one_message_or_all_up_to_it() {
        let mut confirms = confirms(&["a", "b", "c", "d"]);
        assert_eq!(confirms.settle(2, false, true), [(1, Outcome::Stored)]);
        assert_eq!(confirms.settle(2, false, true), [], "a repeated confirm settles nothing");
        assert_eq!(confirms.settle(3, true, false), [(0, Outcome::Refused), (2, Outcome::Refused)]);
        assert_eq!(confirms.settle(0, true, true), [(3, Outcome::Stored)]);
        assert_eq!(confirms.settle(9, true, true), []);
    }

    #[test]
    fn a_returned_message_is_not_stored_although_it_is_confirmed() {
        let mut confirms = confirms(&["a", "b"]);
        confirms.returned(Some("b"), "NO_ROUTE");
        let returned = Outcome::Returned("NO_ROUTE".to_owned());
        assert_eq!(confirms.settle(2, true, true), [(0, Outcome::Stored), (1, returned)]);
    }

    #[test]
    fn a_return_that_names_no_message_in_flight_applies_to_all() {
        for id in [None, Some("x")] {
            let mut confirms = confirms(&["a", "b"]);
            confirms.returned(id, "NO_ROUTE");
            let returned = Outcome::Returned("NO_ROUTE".to_owned());
            assert_eq!(confirms.settle(2, true, true), [(0, returned.clone()), (1, returned)]);
        }
    }

    #[test]
    fn numbers_continue_after_settled_messages() {
        let mut confirms = confirms(&["a"]);
        assert_eq!(confirms.settle(1, false, true), [(0, Outcome::Stored)]);
        confirms.publishing(7, "bcd", 3);
        assert_eq!(confirms.of_size(3), [7]);
        assert_eq!(confirms.settle(2, false, true), [(7, Outcome::Stored)]);
    }
}
