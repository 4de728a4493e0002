//! A connection of a client with one channel: handshake, requests, and the frames that follow.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::fields::{Arguments, Fields};
use super::{FRAME_END, FrameHeader, FrameKind, Method, PROTOCOL_HEADER};
use crate::hubs::HubUrl;

/// The only channel.
pub(super) const CHANNEL: u16 = 1;
/// Time to connect, and for each request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// A broker that has sent nothing for twice this time counts as dead.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(10);
/// Largest method frame that is read: their strings and tables are small.
const METHOD_BYTES_MAX: u32 = 1024 * 1024;
/// Largest frame that this client offers to take, which is RabbitMQ's default.
const FRAME_BYTES_MAX: u32 = 131_072;
/// `product` and the capabilities `consumer_cancel_notify` (a deleted queue is announced) and
/// `authentication_failure_close` (wrong credentials are answered).
const CLIENT_PROPERTIES: &[u8] = b"\x07productS\x00\x00\x00\x0fpaystream-local\x0ccapabilitiesF\x00\x00\x00\x38\
\x16consumer_cancel_notifyt\x01\x1cauthentication_failure_closet\x01";

/// Access to a broker.
#[derive(Clone)]
pub(crate) struct Access {
    /// `HOST:PORT`, without TLS.
    pub(crate) address: String,
    pub(crate) virtual_host: String,
    pub(crate) username: String,
    pub(crate) password: String,
}

impl Access {
    /// Access to a virtual host of a hub.
    pub(crate) fn of(url: &HubUrl, virtual_host: &str) -> Self {
        let (username, password) = url.credentials();
        Self {
            address: url.address(),
            virtual_host: virtual_host.to_owned(),
            username: username.to_owned(),
            password: password.to_owned(),
        }
    }
}

/// Reason why a broker cannot be used. The next connection may work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AmqpError {
    #[error("RabbitMQ at {address} is unreachable: {reason}")]
    Unreachable { address: String, reason: String },
    #[error("RabbitMQ did not answer within {} seconds", REQUEST_TIMEOUT.as_secs())]
    NoAnswer,
    #[error("RabbitMQ has sent nothing for {} seconds", 2 * HEARTBEAT.as_secs())]
    Silent,
    #[error("the connection to RabbitMQ broke: {0}")]
    Broken(#[from] std::io::Error),
    /// `connection.close` or `channel.close`, with the reply of the broker, such as `404 NOT_FOUND - no queue 'x'`.
    #[error("RabbitMQ refused: {0}")]
    Refused(String),
    #[error("the queue was deleted")]
    QueueDeleted,
    #[error("RabbitMQ sent {0}")]
    Unexpected(String),
    #[error("{0} is longer than the 255 bytes of an AMQP name")]
    NameTooLong(&'static str),
}

/// A method frame.
#[derive(Debug)]
pub(super) struct MethodFrame {
    pub(super) method: Method,
    pub(super) arguments: Vec<u8>,
}

/// A frame of a broker. Payloads of headers and bodies are read by the caller.
#[derive(Debug)]
pub(super) enum Incoming {
    Method(MethodFrame),
    Header { size: u32 },
    Body { size: u32 },
}

/// Reading half.
pub(super) struct FrameReader(BufReader<OwnedReadHalf>);

/// Opens a connection and its channel.
pub(super) async fn open(access: &Access) -> Result<(FrameReader, OwnedWriteHalf), AmqpError> {
    let unreachable = |reason: String| AmqpError::Unreachable { address: access.address.clone(), reason };
    let connecting = tokio::time::timeout(REQUEST_TIMEOUT, TcpStream::connect(&access.address));
    let stream = connecting.await.map_err(|_| unreachable("timed out".to_owned()))?;
    let stream = stream.map_err(|error| unreachable(error.to_string()))?;
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = FrameReader(BufReader::new(reader));
    writer.write_all(&PROTOCOL_HEADER).await?;
    reader.answer(Method::CONNECTION_START).await?;
    let credentials = format!("\0{}\0{}", access.username, access.password);
    let start = Arguments::default()
        .long_string(CLIENT_PROPERTIES)
        .and_then(|start| start.short_string("PLAIN"))
        .and_then(|start| start.long_string(credentials.as_bytes()))
        .and_then(|start| start.short_string("en_US"));
    send(&mut writer, 0, Method::CONNECTION_START_OK, &start.ok_or(AmqpError::NameTooLong("credentials"))?).await?;
    let tune = reader.answer(Method::CONNECTION_TUNE).await?;
    let mut fields = Fields::new(&tune.arguments);
    let proposed = fields.short().and_then(|_channels| fields.long());
    let frame_bytes = proposed.filter(|bytes| *bytes > 0).unwrap_or(FRAME_BYTES_MAX).min(FRAME_BYTES_MAX);
    let heartbeat = u16::try_from(HEARTBEAT.as_secs()).unwrap_or_default();
    let tuned = Arguments::default().short(CHANNEL).long(frame_bytes).short(heartbeat);
    send(&mut writer, 0, Method::CONNECTION_TUNE_OK, &tuned).await?;
    let virtual_host = Arguments::default().short_string(&access.virtual_host);
    let opening = virtual_host.ok_or(AmqpError::NameTooLong("the virtual host"))?.octet(0).octet(0);
    send(&mut writer, 0, Method::CONNECTION_OPEN, &opening).await?;
    reader.answer(Method::CONNECTION_OPEN_OK).await?;
    send(&mut writer, CHANNEL, Method::CHANNEL_OPEN, &Arguments::default().octet(0)).await?;
    reader.answer(Method::CHANNEL_OPEN_OK).await?;
    Ok((reader, writer))
}

/// Sends a method.
pub(super) async fn send(
    writer: &mut OwnedWriteHalf,
    channel: u16,
    method: Method,
    arguments: &Arguments,
) -> Result<(), AmqpError> {
    let frame = method.frame(channel, arguments.as_bytes());
    tokio::time::timeout(REQUEST_TIMEOUT, writer.write_all(&frame)).await.map_err(|_| AmqpError::NoAnswer)??;
    Ok(())
}

impl FrameReader {
    /// Reads the reply to a request.
    pub(super) async fn answer(&mut self, expected: Method) -> Result<MethodFrame, AmqpError> {
        let incoming = tokio::time::timeout(REQUEST_TIMEOUT, self.next()).await.map_err(|_| AmqpError::NoAnswer)??;
        match incoming {
            Incoming::Method(frame) if frame.method == expected => Ok(frame),
            other => Err(AmqpError::Unexpected(format!("{other:?} instead of {expected:?}"))),
        }
    }

    /// Reads the next frame but heartbeats. A close by the broker is an error.
    pub(super) async fn next(&mut self) -> Result<Incoming, AmqpError> {
        loop {
            let mut start = [0; FrameHeader::BYTES];
            tokio::time::timeout(2 * HEARTBEAT, self.0.read_exact(&mut start))
                .await
                .map_err(|_| AmqpError::Silent)??;
            let header = FrameHeader::parse(start)
                .ok_or_else(|| AmqpError::Unexpected(format!("bytes that are not AMQP 0-9-1: {start:?}")))?;
            match header.kind {
                FrameKind::Header | FrameKind::Body if header.size > FRAME_BYTES_MAX => {
                    return Err(AmqpError::Unexpected(format!("a frame of {} bytes", header.size)));
                }
                FrameKind::Heartbeat => drop(self.payload(header.size).await?),
                FrameKind::Header => return Ok(Incoming::Header { size: header.size }),
                FrameKind::Body => return Ok(Incoming::Body { size: header.size }),
                FrameKind::Method => {
                    if header.size > METHOD_BYTES_MAX {
                        return Err(AmqpError::Unexpected(format!("a method of {} bytes", header.size)));
                    }
                    return checked(&self.payload(header.size).await?);
                }
            }
        }
    }

    /// Reads a payload and the end of its frame. The caller bounds the size.
    pub(super) async fn payload(&mut self, size: u32) -> Result<Vec<u8>, AmqpError> {
        let mut payload = vec![0; usize::try_from(size).unwrap_or_default()];
        self.0.read_exact(&mut payload).await?;
        self.end().await?;
        Ok(payload)
    }

    /// Reads a payload and discards it.
    pub(super) async fn skip(&mut self, size: u32) -> Result<(), AmqpError> {
        let skipped = tokio::io::copy(&mut (&mut self.0).take(size.into()), &mut tokio::io::sink()).await?;
        if skipped < u64::from(size) {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        self.end().await
    }

    async fn end(&mut self) -> Result<(), AmqpError> {
        match self.0.read_u8().await? {
            FRAME_END => Ok(()),
            other => Err(AmqpError::Unexpected(format!("a frame that ends with {other}"))),
        }
    }
}

fn checked(payload: &[u8]) -> Result<Incoming, AmqpError> {
    let Some((method, arguments)) = payload.split_first_chunk() else {
        return Err(AmqpError::Unexpected("a method without a number".to_owned()));
    };
    let method = Method::parse(*method);
    if matches!(method, Method::CONNECTION_CLOSE | Method::CHANNEL_CLOSE) {
        let mut fields = Fields::new(arguments);
        let code = fields.short().unwrap_or_default();
        return Err(AmqpError::Refused(format!("{code} {}", fields.short_string().unwrap_or_default())));
    }
    if method == Method::BASIC_CANCEL {
        return Err(AmqpError::QueueDeleted);
    }
    Ok(Incoming::Method(MethodFrame { method, arguments: arguments.to_vec() }))
}

#[cfg(test)]
mod tests {
    use super::super::fields::Value;
    use super::*;

    #[test]
    fn the_client_properties_are_a_table() {
        let bytes = Arguments::default().long_string(CLIENT_PROPERTIES).unwrap();
        let table = Fields::new(bytes.as_bytes()).table().unwrap();
        assert_eq!(table[0], ("product".to_owned(), Value::Text(b"paystream-local".to_vec())));
        let Value::Table(capabilities) = &table[1].1 else { panic!("{table:?}") };
        assert_eq!(capabilities.len(), 2);
        assert!(capabilities.iter().all(|(_, value)| *value == Value::Bool(true)), "{capabilities:?}");
    }
}
