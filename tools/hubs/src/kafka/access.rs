//! Encryption and authentication of connections to brokers.

use std::io::{self, Cursor};
use std::sync::Arc;

use kafka_protocol::messages::{
    ApiKey, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use rsasl::prelude::{Mechname, SASLClient, SASLConfig};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::check;
use super::connection::{Api, Transport, decode, encode, round_trip};

const HANDSHAKE: Api = Api { key: ApiKey::SaslHandshake, version: 1 };
const AUTHENTICATE: Api = Api { key: ApiKey::SaslAuthenticate, version: 1 };
const SCRAM: &str = "SCRAM-SHA-512";
const OAUTHBEARER: &str = "OAUTHBEARER";

/// Encryption and authentication of a cluster. The default is neither, as brokers on a developer's machine are.
#[derive(Clone, Default)]
pub struct KafkaAccess {
    /// TLS with these roots.
    pub tls: Option<Arc<ClientConfig>>,
    /// Authentication.
    pub sasl: Option<KafkaSasl>,
}

/// Authentication by SASL.
#[derive(Clone)]
pub enum KafkaSasl {
    /// SCRAM-SHA-512.
    Scram {
        /// Username.
        username: String,
        /// Password.
        password: String,
    },
    /// OAUTHBEARER with this token, as Amazon MSK has it for IAM.
    Token(String),
}

/// Connects `stream` as far as the cluster requires it.
pub(super) async fn open(stream: TcpStream, address: &str, access: &KafkaAccess) -> io::Result<Box<dyn Transport>> {
    let mut stream: Box<dyn Transport> = match &access.tls {
        None => Box::new(stream),
        Some(configuration) => {
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            Box::new(TlsConnector::from(Arc::clone(configuration)).connect(name, stream).await?)
        }
    };
    match &access.sasl {
        None => {}
        Some(KafkaSasl::Scram { username, password }) => scram(&mut *stream, username, password).await?,
        Some(KafkaSasl::Token(token)) => {
            handshake(&mut *stream, OAUTHBEARER).await?;
            // RFC 7628, section 3.1.
            authenticate(&mut *stream, format!("n,,\u{1}auth=Bearer {token}\u{1}\u{1}").into_bytes()).await?;
        }
    }
    Ok(stream)
}

async fn scram(stream: &mut dyn Transport, username: &str, password: &str) -> io::Result<()> {
    let configuration = SASLConfig::with_credentials(None, username.to_owned(), password.to_owned());
    let client = SASLClient::new(configuration.map_err(io::Error::other)?);
    let mechanism = Mechname::parse(SCRAM.as_bytes()).map_err(io::Error::other)?;
    handshake(stream, SCRAM).await?;
    let mut session = client.start_suggested(&[mechanism]).map_err(io::Error::other)?;
    let mut received: Option<Vec<u8>> = None;
    loop {
        let mut message = Cursor::new(Vec::new());
        let state = session.step(received.as_deref(), &mut message).map_err(io::Error::other)?;
        if state.has_sent_message() {
            received = Some(authenticate(stream, message.into_inner()).await?);
        }
        if state.is_finished() {
            return Ok(());
        }
    }
}

async fn handshake(stream: &mut dyn Transport, mechanism: &'static str) -> io::Result<()> {
    let request = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(mechanism));
    let response: SaslHandshakeResponse = call(stream, HANDSHAKE, &request).await?;
    check(&format!("authentication with {mechanism}"), response.error_code).map_err(io::Error::other)
}

async fn authenticate(stream: &mut dyn Transport, message: Vec<u8>) -> io::Result<Vec<u8>> {
    let request = SaslAuthenticateRequest::default().with_auth_bytes(message.into());
    let response: SaslAuthenticateResponse = call(stream, AUTHENTICATE, &request).await?;
    let reason = response.error_message.as_ref().map_or("authentication", |message| message.as_str());
    check(reason, response.error_code).map_err(io::Error::other)?;
    Ok(response.auth_bytes.to_vec())
}

async fn call<Q, A>(stream: &mut dyn Transport, api: Api, request: &Q) -> io::Result<A>
where
    Q: Encodable + HeaderVersion,
    A: Decodable + HeaderVersion,
{
    let message = encode(api, request).map_err(io::Error::other)?;
    let response = round_trip(stream, &message).await?;
    decode(api, response).map_err(io::Error::other)
}
