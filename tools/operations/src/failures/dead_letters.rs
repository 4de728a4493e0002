//! Messages of `RabbitMQ` that reached the delivery limit of Orders' queue, and their way back.
//!
//! Source: <https://www.rabbitmq.com/docs/dlx>. A dead-lettered message keeps its routing key, its id and its body.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use amqprs::channel::{BasicAckArguments, BasicGetArguments, Channel, QueueDeclareArguments};
use amqprs::connection::Connection;
use payments::PublishError;
use payments_rabbitmq::{BrokerError, Message, RabbitMqPublisher};
use serde::Serialize;
use telemetry::WithCauses;

use crate::progress::{OperationProgress, Watch};
use crate::{OperationError, Stack, StackHub};

/// Messages that are taken from the queue before they are published and removed.
const TAKEN_MAX: usize = 100;
/// Messages that cannot be read, one after the other, before the redrive ends.
const UNREADABLE_MAX: u32 = 2;
/// Bound on a call to the broker.
const CALL_MAX: Duration = Duration::from_secs(10);
/// Interval at which messages that return to the queue are looked for.
const POLL: Duration = Duration::from_millis(20);
/// Name of the dead-letter queue, after the name of Orders' queue.
const SUFFIX: &str = ".dead";

/// Error of a redrive of dead-lettered messages.
#[derive(Debug, thiserror::Error)]
pub enum DeadLettersError {
    /// The hub has no dead-letter queue.
    #[error("the hub of this stack is not RabbitMQ: its failed batches are in the failures bucket, see failures list")]
    OtherHub,
    /// The broker could not be reached.
    #[error(transparent)]
    Broker(Box<BrokerError>),
    /// The dead-letter queue could not be read.
    #[error(
        "the queue {queue} cannot be read ({reason}); name the queue of the dead-letter exchange with --queue, and allow \
         the user to read it"
    )]
    Queue {
        /// Name of the queue.
        queue: String,
        /// Reason.
        reason: String,
    },
    /// A message could not be read. The client library closes the connection on text that is not UTF-8, which AMQP allows.
    #[error(
        "published {published} messages of {queue} again; a message cannot be read ({reason}); if its headers are not \
         UTF-8, so that a producer other than Payments sent it, remove it with RabbitMQ's management interface, and run \
         this again"
    )]
    Message {
        /// Name of the queue.
        queue: String,
        /// Number of messages published again, and removed.
        published: u64,
        /// Reason.
        reason: String,
    },
}

/// Result of a redrive of dead-lettered messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLettersRedriven {
    /// Name of the dead-letter queue.
    pub queue: String,
    /// Number of messages published again and removed from the queue; in a dry run, that would be.
    pub messages: u64,
    /// Reason why the other messages were not published. They stay in the queue.
    pub not_sent: Option<String>,
}

/// Publishes dead-lettered messages to the exchange again, with their routing keys, ids and bodies, in the order of their
/// queue. Takes as many as the queue has at the beginning. Without a name, takes those of `<queue of Orders>.dead`.
///
/// A message is removed when the broker has confirmed that Orders' queue has it, so that none is lost. If the command ends
/// in between, it is published twice, which Orders ignores. Every other subscriber of the exchange receives it again, too.
pub async fn redrive_dead_letters(
    stack: &Stack,
    queue: Option<String>,
    dry_run: bool,
    watch: Watch<'_>,
) -> Result<DeadLettersRedriven, OperationError> {
    if stack.hub()? != StackHub::RabbitMq {
        return Err(DeadLettersError::OtherHub.into());
    }
    let publisher = stack.rabbitmq_publisher()?;
    let queue = queue.unwrap_or_else(|| format!("{}{SUFFIX}", publisher.settings().queue));
    let mut dead_letters = DeadLetters::open(&publisher, queue.clone()).await?;
    let total = dead_letters.count().await?;
    let mut redriven = DeadLettersRedriven { queue: queue.clone(), messages: 0, not_sent: None };
    if dry_run {
        redriven.messages = total;
        return Ok(redriven);
    }
    let (mut most, mut unreadable) = (TAKEN_MAX, 0);
    while redriven.messages < total && redriven.not_sent.is_none() {
        let left = usize::try_from(total - redriven.messages).unwrap_or(usize::MAX);
        let taken = match dead_letters.take(left.min(most)).await {
            Ok(taken) => taken,
            Err(reason) if unreadable == UNREADABLE_MAX => {
                return Err(DeadLettersError::Message { queue, published: redriven.messages, reason }.into());
            }
            Err(_) => {
                // The connection is closed, and its messages return to the queue. Some queues put them last.
                (most, unreadable) = (1, unreadable + 1);
                dead_letters = DeadLetters::open(&publisher, queue.clone()).await?;
                dead_letters.until_returned().await?;
                continue;
            }
        };
        unreadable = 0;
        if taken.is_empty() {
            break;
        }
        let (tags, messages): (Vec<u64>, Vec<Message>) = taken.into_iter().unzip();
        for (tag, result) in tags.into_iter().zip(publish(&publisher, &messages).await) {
            match result {
                Ok(()) => {
                    dead_letters.remove(tag).await?;
                    redriven.messages += 1;
                }
                Err(error) => {
                    redriven.not_sent.get_or_insert_with(|| WithCauses(&error).to_string());
                }
            }
        }
        watch(OperationProgress::Publishing { done: redriven.messages, total });
    }
    Ok(redriven)
}

/// Publishes messages in order, and returns a result for each. Messages in flight are told apart by their ids, so a second
/// one of an id waits for those before it.
async fn publish(publisher: &RabbitMqPublisher, messages: &[Message]) -> Vec<Result<(), PublishError>> {
    let (mut results, mut rest) = (Vec::new(), messages);
    while !rest.is_empty() {
        let (together, later) = rest.split_at(distinct(rest));
        results.extend(publisher.publish_messages(together).await);
        if results.iter().any(Result::is_err) {
            break;
        }
        rest = later;
    }
    results
}

/// Returns the number of messages from the first one on that have different ids.
fn distinct(messages: &[Message]) -> usize {
    let mut ids = HashSet::new();
    messages.iter().take_while(|message| ids.insert(&message.id)).count()
}

/// A dead-letter queue. Messages that were taken and not removed return to it when the connection ends.
struct DeadLetters {
    queue: String,
    channel: Channel,
    _connection: Connection,
}

impl DeadLetters {
    async fn open(publisher: &RabbitMqPublisher, queue: String) -> Result<Self, DeadLettersError> {
        let opened = publisher.open_channel().await;
        let (connection, channel) = opened.map_err(|error| DeadLettersError::Broker(Box::new(error)))?;
        Ok(Self { queue, channel, _connection: connection })
    }

    /// Number of messages in the queue, which must exist.
    async fn count(&self) -> Result<u64, DeadLettersError> {
        let declare = QueueDeclareArguments::new(&self.queue).passive(true).finish();
        let declared = in_time(self.channel.queue_declare(declare)).await.map_err(|reason| self.failed(reason))?;
        Ok(declared.map_or(0, |(_, messages, _)| messages.into()))
    }

    /// Waits until the broker has noticed that an earlier connection ended.
    async fn until_returned(&self) -> Result<(), DeadLettersError> {
        let returned = async {
            while self.count().await? == 0 {
                tokio::time::sleep(POLL).await;
            }
            Ok(())
        };
        tokio::time::timeout(CALL_MAX, returned).await.unwrap_or(Ok(()))
    }

    /// Takes up to this many messages from the head of the queue, each with its delivery tag. Fails with the reason if one
    /// cannot be read; then all are in the queue again.
    async fn take(&self, most: usize) -> Result<Vec<(u64, Message)>, String> {
        let get = BasicGetArguments::new(&self.queue);
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some((got, properties, body)) = in_time(self.channel.basic_get(get.clone())).await? else { break };
            let (tag, key) = (got.delivery_tag(), got.routing_key().clone());
            let id = properties.message_id().cloned().unwrap_or_else(|| format!("dead-letter-{tag}"));
            taken.push((tag, Message { lineage: key.clone(), key, id, body }));
        }
        Ok(taken)
    }

    async fn remove(&self, tag: u64) -> Result<(), DeadLettersError> {
        in_time(self.channel.basic_ack(BasicAckArguments::new(tag, false))).await.map_err(|reason| self.failed(reason))
    }

    fn failed(&self, reason: String) -> DeadLettersError {
        DeadLettersError::Queue { queue: self.queue.clone(), reason }
    }
}

/// Waits for a call to the broker, and returns the reason if it fails or takes too long.
async fn in_time<T>(call: impl Future<Output = Result<T, amqprs::error::Error>>) -> Result<T, String> {
    match tokio::time::timeout(CALL_MAX, call).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_elapsed) => Err(format!("no answer within {CALL_MAX:?}")),
    }
}

impl From<DeadLettersError> for OperationError {
    fn from(error: DeadLettersError) -> Self {
        Self::DeadLetters(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_message_of_an_id_is_published_after_the_first() {
        let message =
            |id: &str| Message { key: "k".to_owned(), lineage: "k".to_owned(), id: id.to_owned(), body: vec![] };
        let count = |ids: &[&str]| distinct(&ids.iter().map(|id| message(id)).collect::<Vec<_>>());
        assert_eq!((count(&[]), count(&["a"]), count(&["a", "b", "a"]), count(&["a", "a", "b"])), (0, 1, 2, 1));
    }
}
