//! Publishing for tests, with properties that clients do not let a test write, and queues as a test sees them.

use tokio::io::AsyncWriteExt;

use super::connection::{self, Access, AmqpError, CHANNEL};
use super::fields::{Arguments, Fields};
use super::{FRAME_END, Method};

const BODY_FRAME_BYTES: usize = 100_000;
const QUEUE_DELETE: Method = Method::new(50, 40);
const QUEUE_DELETE_OK: Method = Method::new(50, 41);
const CONFIRM_SELECT_OK: Method = Method::new(85, 11);

/// A message to publish.
#[derive(Debug, Clone, Default)]
pub(crate) struct Published {
    pub(crate) body: Vec<u8>,
    /// Encoded fields of the table of headers.
    pub(crate) headers: Option<Vec<u8>>,
}

/// Publishes messages in order, each confirmed before the next one.
pub(crate) async fn to_exchange(access: &Access, exchange: &str, messages: &[Published]) -> Result<(), AmqpError> {
    let (mut reader, mut writer) = connection::open(access).await?;
    connection::send(&mut writer, CHANNEL, Method::CONFIRM_SELECT, &Arguments::default().octet(0)).await?;
    reader.answer(CONFIRM_SELECT_OK).await?;
    for message in messages {
        let publish = Arguments::default().short(0).short_string(exchange).unwrap().short_string("key").unwrap();
        connection::send(&mut writer, CHANNEL, Method::BASIC_PUBLISH, &publish.octet(0)).await?;
        let header = Arguments::default().short(60).short(0).long_long(message.body.len() as u64);
        let header = match &message.headers {
            Some(headers) => header.short(1 << 13).long_string(headers).unwrap(),
            None => header.short(0),
        };
        writer.write_all(&frame(2, header.as_bytes())).await?;
        for part in message.body.chunks(BODY_FRAME_BYTES) {
            writer.write_all(&frame(3, part)).await?;
        }
        reader.answer(Method::BASIC_ACK).await?;
    }
    Ok(())
}

/// Deletes a queue.
pub(crate) async fn delete_queue(access: &Access, queue: &str) -> Result<(), AmqpError> {
    let (mut reader, mut writer) = connection::open(access).await?;
    let delete = Arguments::default().short(0).short_string(queue).unwrap().octet(0);
    connection::send(&mut writer, CHANNEL, QUEUE_DELETE, &delete).await?;
    reader.answer(QUEUE_DELETE_OK).await.map(drop)
}

/// Number of messages of a queue that no consumer has.
pub(crate) async fn ready_messages(access: &Access, queue: &str) -> Result<u32, AmqpError> {
    let (mut reader, mut writer) = connection::open(access).await?;
    // Flags: passive.
    let declare = Arguments::default().short(0).short_string(queue).unwrap().octet(1).long(0);
    connection::send(&mut writer, CHANNEL, Method::QUEUE_DECLARE, &declare).await?;
    let declared = reader.answer(Method::QUEUE_DECLARE_OK).await?;
    let mut fields = Fields::new(&declared.arguments);
    Ok(fields.short_string().and_then(|_queue| fields.long()).unwrap())
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind], CHANNEL.to_be_bytes().as_slice(), &size, payload, &[FRAME_END]].concat()
}
