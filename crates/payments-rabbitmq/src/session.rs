//! One connection to the broker, on a thread of its own.
//!
//! amqprs serves a connection with tasks of the runtime, which end when the broker ends the connection. A broker that
//! blocks publishers ends nothing, and answers no close. Here, the runtime has no other tasks and is dropped with the
//! session, and with it the tasks and the socket.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use amqprs::BasicProperties;
use amqprs::channel::{BasicPublishArguments, Channel};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::confirms::{Confirms, Outcome};
use crate::error::{BrokerError, Cause};
use crate::message::{CONTENT_TYPE, Message};
use crate::opening::{Opened, Opening};
use crate::settings::Settings;
use crate::signals::Signal;

/// Time limit of connecting, login and declarations included. A broker takes three seconds to refuse a login.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Time limit of closing a connection, after which it is cut.
const CLOSE_MAX: Duration = Duration::from_secs(1);
/// `PRECONDITION_FAILED`: reply code to a message that is too large, among others.
const PRECONDITION_FAILED: u16 = 406;

/// Message of the session's thread.
#[derive(Debug)]
pub(crate) enum Report {
    /// The message with this place is settled.
    Settled(usize, Outcome),
    /// The connection has ended. No report follows.
    Ended(Cause),
}

/// A connection. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Session {
    messages: UnboundedSender<(usize, Message)>,
    reports: UnboundedReceiver<Report>,
}

impl Session {
    /// Connects. Ends within 10 s.
    pub(crate) async fn open(opening: Opening) -> Result<Self, BrokerError> {
        let settings = Arc::clone(&opening.settings);
        let error = |cause| BrokerError::new(&settings, cause);
        let (messages, to_publish) = unbounded_channel();
        let (reports_sender, reports) = unbounded_channel();
        let (opened, is_open) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| error(source.into()))?;
        let serve = move || runtime.block_on(serve(opening, opened, to_publish, reports_sender));
        thread::Builder::new().name("rabbitmq".to_owned()).spawn(serve).map_err(|source| error(source.into()))?;
        match is_open.await {
            Ok(Ok(())) => Ok(Self { messages, reports }),
            Ok(Err(cause)) => Err(error(cause)),
            Err(_dropped) => Err(error(Cause::Lost("its thread ended".to_owned()))),
        }
    }

    /// True if the connection has not ended.
    pub(crate) fn is_open(&self) -> bool {
        !self.messages.is_closed()
    }

    /// Publishes a message. A report with this place follows. The caller bounds the number of messages in flight.
    pub(crate) fn publish(&self, place: usize, message: Message) {
        // If the connection has ended, a report says so.
        let _ = self.messages.send((place, message));
    }

    /// Returns the next report.
    pub(crate) async fn report(&mut self) -> Report {
        self.reports.recv().await.unwrap_or_else(|| Report::Ended(Cause::Lost("it ended before".to_owned())))
    }
}

/// Connects, and publishes messages until the session is dropped or the connection ends.
async fn serve(
    opening: Opening,
    opened: oneshot::Sender<Result<(), Cause>>,
    messages: UnboundedReceiver<(usize, Message)>,
    reports: UnboundedSender<Report>,
) {
    let settings = Arc::clone(&opening.settings);
    let result = timeout(CONNECT_MAX, opening.open()).await.unwrap_or(Err(Cause::ConnectTimedOut(CONNECT_MAX)));
    let Opened { connection, channel, signals } = match result {
        Ok(open) => open,
        Err(cause) => return drop(opened.send(Err(cause))),
    };
    if opened.send(Ok(())).is_ok() {
        let channel = Publishing { channel: &channel, settings: &settings, confirms: Confirms::default() };
        if let Err(cause) = channel.run(messages, signals, &reports).await {
            // Without a receiver, nobody waits.
            let _ = reports.send(Report::Ended(cause));
        }
    }
    // The runtime is dropped next. Before that, the broker is told, if it still answers.
    let _ = timeout(CLOSE_MAX, connection.close()).await;
}

struct Publishing<'s> {
    channel: &'s Channel,
    settings: &'s Settings,
    confirms: Confirms,
}

impl Publishing<'_> {
    /// Publishes and reports until `messages` ends, which is the end of the session.
    async fn run(
        mut self,
        mut messages: UnboundedReceiver<(usize, Message)>,
        mut signals: UnboundedReceiver<Signal>,
        reports: &UnboundedSender<Report>,
    ) -> Result<(), Cause> {
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    Some((place, message)) => self.publish(place, message).await?,
                    None => return Ok(()),
                },
                signal = signals.recv() => {
                    for (place, outcome) in self.apply(signal)? {
                        let _ = reports.send(Report::Settled(place, outcome));
                    }
                }
            }
        }
    }

    async fn publish(&mut self, place: usize, message: Message) -> Result<(), Cause> {
        self.confirms.publishing(place, &message.id, message.body.len());
        let mut properties = BasicProperties::default();
        properties.with_content_type(CONTENT_TYPE).with_message_id(&message.id).with_persistence(true);
        let mut arguments = BasicPublishArguments::new(self.settings.exchange.as_str(), &message.key);
        arguments.mandatory(true);
        let sent = self.channel.basic_publish(properties, message.body, arguments).await;
        sent.map_err(|error| Cause::Lost(error.to_string()))
    }

    /// Returns the messages that a signal settles. `None` stands for the end of all callbacks, that is of the connection.
    fn apply(&mut self, signal: Option<Signal>) -> Result<Vec<(usize, Outcome)>, Cause> {
        match signal {
            Some(Signal::Confirmed { tag, multiple, is_stored }) => Ok(self.confirms.settle(tag, multiple, is_stored)),
            Some(Signal::Returned { id, reason }) => {
                self.confirms.returned(id.as_deref(), &reason);
                Ok(Vec::new())
            }
            Some(Signal::Closed { code, text }) => self.closed(code, text),
            None => Err(Cause::Lost("the broker or the network ended it".to_owned())),
        }
    }

    /// The broker closed the channel or the connection. If a message is the reason, settles it; the signal after it is
    /// then the end.
    fn closed(&mut self, code: u16, text: String) -> Result<Vec<(usize, Outcome)>, Cause> {
        let too_large = too_large(code, &text).map(|bytes| self.confirms.of_size(bytes)).unwrap_or_default();
        if too_large.is_empty() {
            return Err(Cause::Closed { code, text });
        }
        Ok(too_large.into_iter().map(|place| (place, Outcome::TooLarge(text.clone()))).collect())
    }
}

/// Returns the size of a message that the broker found too large, in bytes. The text is that of RabbitMQ 3.8 to 4:
/// `PRECONDITION_FAILED - message size 2 is larger than max size 1`, `… than configured max size 1`.
fn too_large(code: u16, text: &str) -> Option<usize> {
    let (size, rest) = text.split_once("message size ")?.1.split_once(' ')?;
    (code == PRECONDITION_FAILED && rest.contains("larger than")).then(|| size.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_too_large_is_recognised_by_the_text_of_each_version() {
        for text in ["larger than max size 1", "larger than configured max size 1"] {
            let text = format!("PRECONDITION_FAILED - message size 34 is {text}");
            assert_eq!(too_large(406, &text), Some(34));
            assert_eq!(too_large(404, &text), None);
        }
        assert_eq!(too_large(406, "PRECONDITION_FAILED - unknown delivery tag 1"), None);
    }
}
