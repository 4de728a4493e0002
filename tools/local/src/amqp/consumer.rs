//! Consumer of a queue: deliveries in order, acknowledged or returned by the caller.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connection::{self, Access, AmqpError, CHANNEL, FrameReader, HEARTBEAT, Incoming};
use super::fields::{Arguments, Fields};
use super::{FRAME_END, Method};

/// Deliveries that are read before the caller takes them.
const READ_AHEAD: usize = 4;
/// Size of a heartbeat frame: type, channel, size and end.
const HEARTBEAT_FRAME: [u8; 8] = [8, 0, 0, 0, 0, 0, 0, FRAME_END];

/// A message as it was delivered.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Number of the delivery on its channel.
    pub(crate) tag: u64,
    pub(crate) redelivered: bool,
    /// Payload of the content header: properties of the message.
    pub(crate) header: Vec<u8>,
    /// Size of the body in bytes.
    pub(crate) size: u64,
    /// Body; `None` if it is larger than the consumer takes.
    pub(crate) body: Option<Vec<u8>>,
}

/// Something that a broker sends to a consumer.
#[derive(Debug)]
pub(crate) enum ConsumerEvent {
    Delivery(Delivery),
    /// Number of messages that are ready in the queue, without delivered ones. All deliveries before the request have
    /// been returned before.
    Ready(u32),
}

/// Bounds of a consumer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConsumerBounds {
    /// Deliveries without an acknowledgement, at most 65,535.
    pub(crate) prefetch: u16,
    /// Largest body in bytes that is read.
    pub(crate) body_bytes_max: u64,
}

/// A consumer of one queue. Its connection ends when this is dropped, and the broker returns its unacknowledged
/// messages to the queue.
pub(crate) struct Consumer {
    queue: String,
    writer: Arc<Mutex<OwnedWriteHalf>>,
    events: mpsc::Receiver<Result<ConsumerEvent, AmqpError>>,
    _stop: DropGuard,
}

impl Consumer {
    /// Connects and starts to consume.
    pub(crate) async fn open(access: &Access, queue: &str, bounds: ConsumerBounds) -> Result<Self, AmqpError> {
        let (mut reader, mut writer) = connection::open(access).await?;
        // Prefetch size 0, the limit of messages, and the scope: each consumer.
        let qos = Arguments::default().long(0).short(bounds.prefetch).octet(0);
        connection::send(&mut writer, CHANNEL, Method::BASIC_QOS, &qos).await?;
        reader.answer(Method::BASIC_QOS_OK).await?;
        // Reserved, queue, a consumer tag that the broker chooses, no flags, no arguments.
        let name = Arguments::default().short(0).short_string(queue).ok_or(AmqpError::NameTooLong("the queue"))?;
        let consume = name.octet(0).octet(0).long(0);
        connection::send(&mut writer, CHANNEL, Method::BASIC_CONSUME, &consume).await?;
        reader.answer(Method::BASIC_CONSUME_OK).await?;
        let (sender, events) = mpsc::channel(READ_AHEAD);
        let (stop, writer) = (CancellationToken::new(), Arc::new(Mutex::new(writer)));
        tokio::spawn(stop.clone().run_until_cancelled_owned(read(reader, sender, bounds.body_bytes_max)));
        tokio::spawn(stop.clone().run_until_cancelled_owned(send_heartbeats(Arc::clone(&writer))));
        Ok(Self { queue: queue.to_owned(), writer, events, _stop: stop.drop_guard() })
    }

    /// Returns the next event. Cancelling this loses nothing.
    pub(crate) async fn next(&mut self) -> Result<ConsumerEvent, AmqpError> {
        match self.events.recv().await {
            Some(event) => event,
            None => Err(AmqpError::Broken(std::io::ErrorKind::UnexpectedEof.into())),
        }
    }

    /// Acknowledges a delivery and, if `is_multiple`, all earlier ones.
    pub(crate) async fn acknowledge(&self, tag: u64, is_multiple: bool) -> Result<(), AmqpError> {
        let arguments = Arguments::default().long_long(tag).octet(is_multiple.into());
        self.send(Method::BASIC_ACK, &arguments).await
    }

    /// Returns a delivery and all earlier ones to the queue by one `basic.nack`.
    pub(crate) async fn nack_up_to(&self, tag: u64) -> Result<(), AmqpError> {
        // Flags: multiple and requeue.
        self.send(Method::BASIC_NACK, &Arguments::default().long_long(tag).octet(0b11)).await
    }

    /// Returns one delivery to the queue by `basic.reject`.
    pub(crate) async fn reject(&self, tag: u64) -> Result<(), AmqpError> {
        self.send(Method::BASIC_REJECT, &Arguments::default().long_long(tag).octet(1)).await
    }

    /// Requests the number of ready messages, which [`Consumer::next`] returns.
    pub(crate) async fn request_ready(&self) -> Result<(), AmqpError> {
        let name = Arguments::default().short(0).short_string(&self.queue);
        // Flags: passive.
        let declare = name.ok_or(AmqpError::NameTooLong("the queue"))?.octet(1).long(0);
        self.send(Method::QUEUE_DECLARE, &declare).await
    }

    async fn send(&self, method: Method, arguments: &Arguments) -> Result<(), AmqpError> {
        connection::send(&mut *self.writer.lock().await, CHANNEL, method, arguments).await
    }
}

async fn send_heartbeats(writer: Arc<Mutex<OwnedWriteHalf>>) {
    loop {
        tokio::time::sleep(HEARTBEAT / 2).await;
        // The reader notices a broken connection.
        if writer.lock().await.write_all(&HEARTBEAT_FRAME).await.is_err() {
            return;
        }
    }
}

/// Reads until the connection ends or the consumer is gone.
async fn read(mut reader: FrameReader, sender: mpsc::Sender<Result<ConsumerEvent, AmqpError>>, body_bytes_max: u64) {
    loop {
        let event = read_event(&mut reader, body_bytes_max).await;
        let is_end = event.is_err();
        if sender.send(event).await.is_err() || is_end {
            return;
        }
    }
}

async fn read_event(reader: &mut FrameReader, body_bytes_max: u64) -> Result<ConsumerEvent, AmqpError> {
    let malformed = |what: &str| AmqpError::Unexpected(format!("a malformed {what}"));
    loop {
        let frame = match reader.next().await? {
            Incoming::Method(frame) => frame,
            other => return Err(AmqpError::Unexpected(format!("{other:?} outside of a delivery"))),
        };
        let mut fields = Fields::new(&frame.arguments);
        match frame.method {
            Method::BASIC_DELIVER => {
                let head = fields.short_string().and_then(|_consumer| Some((fields.long_long()?, fields.octet()?)));
                let (tag, flags) = head.ok_or_else(|| malformed("delivery"))?;
                return read_content(reader, tag, flags & 1 == 1, body_bytes_max).await.map(ConsumerEvent::Delivery);
            }
            Method::QUEUE_DECLARE_OK => {
                let ready = fields.short_string().and_then(|_queue| fields.long());
                return Ok(ConsumerEvent::Ready(ready.ok_or_else(|| malformed("reply to queue.declare"))?));
            }
            // Such as `connection.blocked`, which does not concern a consumer.
            _ => {}
        }
    }
}

async fn read_content(
    reader: &mut FrameReader,
    tag: u64,
    redelivered: bool,
    body_bytes_max: u64,
) -> Result<Delivery, AmqpError> {
    let Incoming::Header { size } = reader.next().await? else {
        return Err(AmqpError::Unexpected("a delivery without a content header".to_owned()));
    };
    let header = reader.payload(size).await?;
    let mut fields = Fields::new(&header);
    let size = fields.short().and_then(|_class| fields.short()).and_then(|_weight| fields.long_long());
    let size = size.ok_or_else(|| AmqpError::Unexpected("a malformed content header".to_owned()))?;
    let mut body = (size <= body_bytes_max).then(Vec::new);
    let mut missing = size;
    while missing > 0 {
        let Incoming::Body { size } = reader.next().await? else {
            return Err(AmqpError::Unexpected("a body that ends early".to_owned()));
        };
        missing = missing
            .checked_sub(size.into())
            .filter(|_| size > 0)
            .ok_or_else(|| AmqpError::Unexpected("a body of another size than its header says".to_owned()))?;
        match &mut body {
            Some(body) => body.extend(reader.payload(size).await?),
            None => reader.skip(size).await?,
        }
    }
    Ok(Delivery { tag, redelivered, header, size, body })
}
