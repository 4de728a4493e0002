//! Results of a batch.

use std::sync::Arc;

use payments::PublishError;

use crate::confirms::Outcome;
use crate::error::{BrokerError, Cause};
use crate::lanes::Lanes;
use crate::message::Message;
use crate::settings::Settings;

/// Result of publishing a message.
pub(crate) type PublishResult = Result<(), PublishError>;

/// Results of messages, which are settled one by one.
#[derive(Debug)]
pub(crate) struct Batch<'m> {
    messages: &'m [Message],
    results: Vec<Option<PublishResult>>,
}

impl<'m> Batch<'m> {
    /// Creates a batch, in which only the messages that AMQP cannot carry are settled.
    pub(crate) fn new(messages: &'m [Message]) -> Self {
        let mut batch = Self { messages, results: messages.iter().map(|_| None).collect() };
        for (place, message) in messages.iter().enumerate() {
            if let Err(error) = message.check() {
                batch.settle(place, Err(PublishError::Rejected(error.into())));
            }
        }
        batch
    }

    /// True if all messages are settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.results.iter().all(Option::is_some)
    }

    /// Returns lanes of the messages that are not settled.
    pub(crate) fn lanes(&self) -> Lanes<'m> {
        let all = self.messages.iter().zip(&self.results).enumerate();
        let waiting = all.filter(|(_, (_, result))| result.is_none());
        Lanes::new(waiting.map(|(place, (message, _))| (message.key.as_str(), place)))
    }

    /// Returns a message, unless it is settled.
    pub(crate) fn unsettled(&self, place: usize) -> Option<&'m Message> {
        let is_unsettled = matches!(self.results.get(place), Some(None));
        self.messages.get(place).filter(|_| is_unsettled)
    }

    /// Returns the key of a message.
    pub(crate) fn key(&self, place: usize) -> &'m str {
        self.messages.get(place).map_or("", |message| &message.key)
    }

    /// Settles a message by what the broker said.
    pub(crate) fn apply(&mut self, place: usize, outcome: Outcome, settings: &Settings) {
        let (exchange, queue) = (settings.exchange.clone(), settings.queue.clone());
        let failed = |cause| PublishError::Failed(BrokerError::new(settings, cause).into());
        let result = match outcome {
            Outcome::Stored => Ok(()),
            Outcome::Returned(reason) => {
                let key = self.key(place).to_owned();
                Err(failed(Cause::Unroutable { exchange, key, queue, reason }))
            }
            Outcome::Refused => Err(failed(Cause::Refused { exchange })),
            Outcome::TooLarge(text) => {
                Err(PublishError::Rejected(BrokerError::new(settings, Cause::TooLarge(text)).into()))
            }
        };
        self.settle(place, result);
    }

    /// Settles all remaining messages as failed.
    pub(crate) fn fail_rest(&mut self, error: BrokerError) {
        let error = Arc::new(error);
        for result in self.results.iter_mut().filter(|result| result.is_none()) {
            *result = Some(Err(PublishError::Failed(Box::new(Arc::clone(&error)))));
        }
    }

    /// Settles a message, and if it failed, the later ones of its lineage: none of them may overtake it.
    fn settle(&mut self, place: usize, result: PublishResult) {
        let lineage = self.messages.get(place).filter(|_| result.is_err()).map(|message| &message.lineage);
        if let Some(slot) = self.results.get_mut(place) {
            *slot = Some(result);
        }
        for (message, slot) in self.messages.iter().zip(&mut self.results).skip(place) {
            if Some(&message.lineage) == lineage && slot.is_none() {
                let error = format!(
                    "not sent: {}, an earlier event of the payment, failed",
                    self.messages.get(place).map_or("", |m| &m.id)
                );
                *slot = Some(Err(PublishError::Failed(error.into())));
            }
        }
    }

    /// Returns one result per message, in their order.
    pub(crate) fn into_results(self) -> Vec<PublishResult> {
        let unsettled = || Err(PublishError::Failed("not sent (bug)".into()));
        self.results.into_iter().map(|result| result.unwrap_or_else(unsettled)).collect()
    }
}
