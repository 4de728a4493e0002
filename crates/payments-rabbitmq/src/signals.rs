//! Callbacks of amqprs, as signals in the order in which the broker sent them.

use amqprs::callbacks::{ChannelCallback, ConnectionCallback};
use amqprs::channel::Channel;
use amqprs::connection::Connection;
use amqprs::{Ack, BasicProperties, Cancel, Close, CloseChannel, Nack, Return};
use async_trait::async_trait;
use tokio::sync::mpsc::UnboundedSender;

type CallbackResult<T> = Result<T, amqprs::error::Error>;

/// Message of the broker that answers no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signal {
    /// A message was confirmed, or all up to it.
    Confirmed { tag: u64, multiple: bool, is_stored: bool },
    /// A message is unroutable.
    Returned { id: Option<String>, reason: String },
    /// The broker closed the channel or the connection.
    Closed { code: u16, text: String },
}

/// Sends the signals of a channel and of its connection. Number of signals waiting: at most two for each message in flight.
#[derive(Debug, Clone)]
pub(crate) struct Signals(pub(crate) UnboundedSender<Signal>);

impl Signals {
    fn send(&self, signal: Signal) {
        // Without a receiver, the session has ended.
        let _ = self.0.send(signal);
    }
}

#[async_trait]
impl ChannelCallback for Signals {
    async fn close(&mut self, _: &Channel, close: CloseChannel) -> CallbackResult<()> {
        self.send(Signal::Closed { code: close.reply_code(), text: close.reply_text().clone() });
        Ok(())
    }

    async fn cancel(&mut self, _: &Channel, _: Cancel) -> CallbackResult<()> {
        Ok(())
    }

    async fn flow(&mut self, _: &Channel, active: bool) -> CallbackResult<bool> {
        Ok(active)
    }

    async fn publish_ack(&mut self, _: &Channel, ack: Ack) {
        self.send(Signal::Confirmed { tag: ack.delivery_tag(), multiple: ack.mutiple(), is_stored: true });
    }

    async fn publish_nack(&mut self, _: &Channel, nack: Nack) {
        self.send(Signal::Confirmed { tag: nack.delivery_tag(), multiple: nack.multiple(), is_stored: false });
    }

    async fn publish_return(&mut self, _: &Channel, returned: Return, properties: BasicProperties, _: Vec<u8>) {
        let reason = format!("{} {}", returned.reply_code(), returned.reply_text());
        self.send(Signal::Returned { id: properties.message_id().cloned(), reason });
    }
}

#[async_trait]
impl ConnectionCallback for Signals {
    async fn close(&mut self, _: &Connection, close: Close) -> CallbackResult<()> {
        self.send(Signal::Closed { code: close.reply_code(), text: close.reply_text().clone() });
        Ok(())
    }

    // amqprs does not announce that it understands these two, so the broker sends neither.
    async fn blocked(&mut self, _: &Connection, _: String) {}

    async fn unblocked(&mut self, _: &Connection) {}

    async fn secret_updated(&mut self, _: &Connection) {}
}
