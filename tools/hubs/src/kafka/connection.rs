//! Connection to one broker: one request at a time, with a timeout.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use paystream_local::KafkaError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::access::{self, KafkaAccess};

/// Bound on a call: connecting, authentication, and the broker's answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Limit of a response. A fetch returns one batch of records of any size, and `max.message.bytes` bounds a batch.
const RESPONSE_BYTES_MAX: usize = 128 * 1024 * 1024;

/// A request of Kafka's protocol, and the version in which it is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Api {
    pub(super) key: ApiKey,
    pub(super) version: i16,
}

/// Bytes to and from a broker, encrypted or not.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Connection to a broker. It is opened by the first call, and again after an error.
pub(super) struct Connection {
    /// `HOST:PORT`.
    address: String,
    access: KafkaAccess,
    stream: Mutex<Option<Box<dyn Transport>>>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(address: String, access: KafkaAccess) -> Self {
        Self { address, access, stream: Mutex::default() }
    }

    pub(super) fn access(&self) -> &KafkaAccess {
        &self.access
    }

    /// Sends a request, and returns the response of the broker. `wait` is the time that the broker may take beyond the
    /// bound on a call.
    pub(super) async fn call<Q, A>(&self, api: Api, request: &Q, wait: Duration) -> Result<A, KafkaError>
    where
        Q: Encodable + HeaderVersion,
        A: Decodable + HeaderVersion,
    {
        let message = encode(api, request).map_err(|error| self.failed(error))?;
        let exchanged = tokio::time::timeout(CALL_TIMEOUT + wait, self.exchange(&message)).await;
        let response = match exchanged {
            Ok(response) => response.map_err(|error| self.failed(error))?,
            Err(_) => return Err(self.failed("it did not answer in time")),
        };
        decode(api, response).map_err(|error| self.failed(error))
    }

    fn failed(&self, reason: impl std::fmt::Display) -> KafkaError {
        KafkaError(format!("broker {}: {reason}", self.address))
    }

    /// Writes a request and reads its response. A call that fails or is dropped leaves no connection behind, on which
    /// the response might still arrive.
    async fn exchange(&self, message: &[u8]) -> std::io::Result<Bytes> {
        let mut slot = self.stream.lock().await;
        let mut stream = match slot.take() {
            Some(stream) => stream,
            None => self.connect().await?,
        };
        let response = round_trip(&mut *stream, message).await?;
        *slot = Some(stream);
        Ok(response)
    }

    async fn connect(&self) -> std::io::Result<Box<dyn Transport>> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        access::open(stream, &self.address, &self.access).await
    }
}

/// Writes a request and reads its response.
pub(super) async fn round_trip(stream: &mut dyn Transport, message: &[u8]) -> std::io::Result<Bytes> {
    stream.write_all(message).await?;
    stream.flush().await?;
    let length = usize::try_from(stream.read_i32().await?).unwrap_or(usize::MAX);
    if length > RESPONSE_BYTES_MAX {
        return Err(std::io::Error::other("it does not speak Kafka's protocol, or its response is too large"));
    }
    let mut response = vec![0; length];
    stream.read_exact(&mut response).await?;
    Ok(response.into())
}

pub(super) fn encode<Q: Encodable + HeaderVersion>(api: Api, request: &Q) -> Result<Vec<u8>, String> {
    let header = RequestHeader::default()
        .with_request_api_key(api.key as i16)
        .with_request_api_version(api.version)
        .with_client_id(Some(StrBytes::from_static_str("paystream")));
    let mut body = BytesMut::new();
    header.encode(&mut body, Q::header_version(api.version)).map_err(|error| error.to_string())?;
    request.encode(&mut body, api.version).map_err(|error| error.to_string())?;
    let length = i32::try_from(body.len()).map_err(|error| error.to_string())?;
    Ok([&length.to_be_bytes()[..], &body].concat())
}

pub(super) fn decode<A: Decodable + HeaderVersion>(api: Api, mut response: Bytes) -> Result<A, String> {
    let header = ResponseHeader::decode(&mut response, A::header_version(api.version));
    header.and_then(|_| A::decode(&mut response, api.version)).map_err(|error| error.to_string())
}
