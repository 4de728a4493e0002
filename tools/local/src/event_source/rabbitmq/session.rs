//! Session of a mapping with its broker: gathers batches, delivers them, and acknowledges or returns them.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::gather::{Gathering, Limits, Message};
use super::{Questions, RabbitMqMapping, RabbitMqReturn, SessionEnd, event};
use crate::amqp::{AmqpError, Consumer, ConsumerBounds, ConsumerEvent, Delivery};
use crate::event_source::progress::add;
use crate::lambda::{InvokeError, PAYLOAD_BYTES_MAX};

/// Time after which a returned message that has not come again counts as gone: the broker has dead-lettered it, or
/// another consumer has it.
const RETURN_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection, and the messages that it has received.
pub(super) struct Session<'a> {
    mapping: &'a RabbitMqMapping,
    consumer: Consumer,
    gathering: Gathering,
    event_start: String,
    /// Consecutive failed invocations.
    failures: u32,
    /// Messages that were returned and have not come again, and the time of the last return.
    returned: (usize, Instant),
    /// A question that waits for the broker's answers.
    asked: Option<Question>,
}

/// A question whether all messages are settled.
struct Question {
    reply: oneshot::Sender<bool>,
    is_confirmed: bool,
}

impl<'a> Session<'a> {
    pub(super) async fn open(mapping: &'a RabbitMqMapping) -> Result<Self, AmqpError> {
        let (spec, source) = (&mapping.spec, &mapping.source);
        let event_start = event::event_start(&source.broker_arn, &source.queue, &source.virtual_host);
        let limits = Limits {
            messages_max: spec.batch_size,
            window: spec.batching_window,
            event_bytes_max: PAYLOAD_BYTES_MAX,
            frame_bytes: event::frame_bytes(&event_start),
        };
        let bounds = ConsumerBounds {
            prefetch: u16::try_from(spec.batch_size).unwrap_or(u16::MAX),
            body_bytes_max: PAYLOAD_BYTES_MAX as u64,
        };
        let consumer = Consumer::open(&mapping.access, &source.queue, bounds).await?;
        Ok(Self {
            mapping,
            consumer,
            gathering: Gathering::new(limits),
            event_start,
            failures: 0,
            returned: (0, Instant::now()),
            asked: None,
        })
    }

    /// Consumes until the connection ends or the environment stops.
    pub(super) async fn consume(&mut self, questions: &mut Questions) -> Result<(), SessionEnd> {
        loop {
            self.gather(questions).await?;
            let batch = self.gathering.take();
            self.deliver(&batch).await?;
            self.gathering.begin_next(Instant::now());
        }
    }

    /// Gathers messages until a batch is due.
    async fn gather(&mut self, questions: &mut Questions) -> Result<(), SessionEnd> {
        let mapping = self.mapping;
        while !self.gathering.is_full() {
            let due = self.gathering.due();
            let window = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            // Draining matters only while a batching window is open.
            let drained =
                async { if due.is_some() { mapping.draining.cancelled().await } else { std::future::pending().await } };
            tokio::select! {
                biased;
                () = mapping.stop.cancelled() => return Err(SessionEnd::Stopped),
                event = self.consumer.next() => self.receive(event?).await?,
                () = window => return Ok(()),
                () = drained => return Ok(()),
                Some(question) = questions.recv() => {
                    self.consumer.request_ready().await?;
                    self.asked = Some(Question { reply: question, is_confirmed: false });
                }
            }
        }
        Ok(())
    }

    async fn receive(&mut self, event: ConsumerEvent) -> Result<(), AmqpError> {
        match event {
            ConsumerEvent::Delivery(delivery) => self.receive_message(&delivery).await,
            ConsumerEvent::Ready(ready) => self.answer(ready).await,
        }
    }

    /// Answers a question if the queue's messages are settled. The broker may answer the first request before messages
    /// that it has already taken from the queue for this consumer, but not the second one.
    async fn answer(&mut self, ready: u32) -> Result<(), AmqpError> {
        let Some(question) = self.asked.take() else { return Ok(()) };
        let (returned, since) = self.returned;
        let is_settled = ready == 0 && self.gathering.is_empty() && (returned == 0 || since.elapsed() > RETURN_TIMEOUT);
        if is_settled && !question.is_confirmed {
            self.asked = Some(Question { is_confirmed: true, ..question });
            return self.consumer.request_ready().await;
        }
        // The asker may have stopped waiting.
        let _ = question.reply.send(is_settled);
        Ok(())
    }

    async fn receive_message(&mut self, delivery: &Delivery) -> Result<(), AmqpError> {
        if delivery.redelivered {
            self.returned.0 = self.returned.0.saturating_sub(1);
        }
        let json = event::message(delivery).filter(|json| !self.gathering.is_too_large(json.len()));
        let Some(json) = json else {
            self.mapping
                .warn(&format!("dropped a message of {} bytes: its event is larger than Lambda's 6 MB", delivery.size));
            add(&self.mapping.progress.given_up, 1);
            return self.consumer.acknowledge(delivery.tag, false).await;
        };
        let message = Message { tag: delivery.tag, redelivered: delivery.redelivered, json };
        self.gathering.push(message, Instant::now());
        Ok(())
    }

    /// Invokes the function, and acknowledges or returns the batch.
    async fn deliver(&mut self, batch: &[Message]) -> Result<(), SessionEnd> {
        let (mapping, progress) = (self.mapping, &self.mapping.progress);
        let Some(last) = batch.last() else { return Ok(()) };
        let messages: Vec<&str> = batch.iter().map(|message| message.json.as_str()).collect();
        let event = event::event(&self.event_start, &messages);
        let error = loop {
            match mapping.function.invoke(event.clone()).await {
                Ok(()) => break None,
                Err(InvokeError::Stopping) => return Err(SessionEnd::Stopped),
                // The function did not run, so the same batch is tried again.
                Err(InvokeError::Throttled) => mapping.pause(0).await?,
                Err(error) => break Some(error),
            }
        };
        add(&progress.batches, 1);
        add(&progress.retries, usize::from(batch.iter().any(|message| message.redelivered)));
        let Some(error) = error else {
            // Messages before the last one that are not in the batch are settled already.
            self.consumer.acknowledge(last.tag, true).await?;
            add(&progress.records, batch.len());
            self.failures = 0;
            return Ok(());
        };
        add(&progress.failures, 1);
        mapping.warn(&format!("batch of {} messages failed and will be redelivered: {error}", batch.len()));
        match mapping.simulation.returns {
            RabbitMqReturn::Nack => self.consumer.nack_up_to(last.tag).await?,
            RabbitMqReturn::Reject => {
                for message in batch {
                    self.consumer.reject(message.tag).await?;
                }
            }
        }
        self.returned = (self.returned.0 + batch.len(), Instant::now());
        self.failures = self.failures.saturating_add(1);
        mapping.pause(self.failures - 1).await
    }
}
