//! Messages to publish.

use payment_events::PaymentEvent;

use crate::settings::SHORT_STRING_BYTES_MAX;

/// Content type of events, in the structured mode of CloudEvents.
pub(crate) const CONTENT_TYPE: &str = "application/cloudevents+json";

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Routing key. Messages with the same key are sent one after the other.
    pub key: String,
    /// Messages with the same lineage depend on each other: none is sent after one that failed.
    pub lineage: String,
    /// Message id. Messages in flight at once must have different ids.
    pub id: String,
    /// Body.
    pub body: Vec<u8>,
}

/// A message that AMQP cannot carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {property} has {bytes} bytes, more than the 255 of an AMQP short string")]
pub struct UnsendableMessage {
    property: &'static str,
    bytes: usize,
}

impl Message {
    /// Returns the message of an event: the routing key is the order id, the lineage the payment.
    pub fn of_event(event: &PaymentEvent) -> Self {
        Self {
            key: event.partition_key().to_owned(),
            lineage: event.payment().payment_id.to_string(),
            id: event.id(),
            body: event.encode(),
        }
    }

    /// Checks the lengths that amqprs takes for granted: it panics on a longer routing key.
    pub(crate) fn check(&self) -> Result<(), UnsendableMessage> {
        for (property, text) in [("routing key", &self.key), ("message id", &self.id)] {
            if text.len() > SHORT_STRING_BYTES_MAX {
                return Err(UnsendableMessage { property, bytes: text.len() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_checked_in_bytes() {
        let message = |key: String, id: String| Message { key, lineage: String::new(), id, body: Vec::new() };
        let most = "é".repeat(127) + "e";
        assert_eq!(message(most.clone(), most.clone()).check(), Ok(()));
        let error = message(most.clone() + "e", most.clone()).check().unwrap_err();
        assert_eq!(error.to_string(), "the routing key has 256 bytes, more than the 255 of an AMQP short string");
        assert!(message(most.clone(), most + "e").check().unwrap_err().to_string().contains("message id"));
    }
}
