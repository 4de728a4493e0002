//! Steps of connecting: login, exchange and queue, confirms.

use amqprs::channel::{Channel, ConfirmSelectArguments, ExchangeDeclareArguments, QueueDeclareArguments};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::error::Error;
use amqprs::tls::TlsAdaptor;
use aws_secrets::Credentials;
use rustls::ClientConfig;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_rustls::TlsConnector;

use crate::error::Cause;
use crate::settings::Settings;
use crate::signals::{Signal, Signals};

/// `NOT_FOUND`: reply code of a passive declaration of something that does not exist.
const NOT_FOUND: u16 = 404;

/// Everything that is needed to connect.
pub(crate) struct Opening {
    pub(crate) settings: Arc<Settings>,
    pub(crate) credentials: Credentials,
    /// `None`: plaintext.
    pub(crate) tls: Option<ClientConfig>,
}

/// A channel in confirm mode.
pub(crate) struct Opened {
    pub(crate) connection: Connection,
    pub(crate) channel: Channel,
    pub(crate) signals: UnboundedReceiver<Signal>,
}

impl Opening {
    /// Connects and logs in, checks that exchange and queue exist, and opens a channel in confirm mode. The caller sets a
    /// time limit, and drops the runtime after it.
    pub(crate) async fn open(self) -> Result<Opened, Cause> {
        let settings = Arc::clone(&self.settings);
        let connection = Connection::open(&self.arguments()).await.map_err(|error| self.cause(&error))?;
        let (sender, mut signals) = unbounded_channel();
        let lost = |error: Error| Cause::Lost(error.to_string());
        connection.register_callback(Signals(sender.clone())).await.map_err(lost)?;
        let channel = connection.open_channel(None).await.map_err(lost)?;
        channel.register_callback(Signals(sender)).await.map_err(lost)?;

        let mut declare = ExchangeDeclareArguments::new(settings.exchange.as_str(), "topic");
        if let Err(error) = channel.exchange_declare(declare.passive(true).finish()).await {
            let missing = || Cause::ExchangeMissing(settings.exchange.clone());
            return Err(refused(&mut signals, &error, missing));
        }
        let mut declare = QueueDeclareArguments::new(settings.queue.as_str());
        if let Err(error) = channel.queue_declare(declare.passive(true).finish()).await {
            let (queue, exchange) = (settings.queue.clone(), settings.exchange.clone());
            return Err(refused(&mut signals, &error, || Cause::QueueMissing { queue, exchange }));
        }
        channel.confirm_select(ConfirmSelectArguments::default()).await.map_err(lost)?;
        Ok(Opened { connection, channel, signals })
    }

    fn arguments(&self) -> OpenConnectionArguments {
        let Settings { address, virtual_host, connection_name, .. } = &*self.settings;
        let Credentials { username, password } = &self.credentials;
        let mut arguments = OpenConnectionArguments::new(&address.host, address.port, username, password);
        arguments.virtual_host(virtual_host.as_str()).connection_name(connection_name);
        if let Some(tls) = &self.tls {
            let connector = TlsConnector::from(Arc::new(tls.clone()));
            arguments.tls_adaptor(TlsAdaptor::new(connector, address.host.clone()));
        }
        arguments.finish()
    }

    /// Finds the cause of a failed login. amqprs passes the text of most causes only; tests provoke each of them.
    fn cause(&self, error: &Error) -> Cause {
        let text = error.to_string();
        let has = |part: &str| text.contains(part);
        match error {
            // The broker closes the connection without a reason after a wrong password, unless the client announces that it
            // understands one, and amqprs does not. It has sent its greeting by then.
            Error::NetworkError(_) if has("peer shutdown") || has("Connection reset") => {
                let origin = match &self.settings.secret_arn {
                    Some(arn) => format!("in the secret {arn}"),
                    None => "(guest, because HubSecretArn is empty)".to_owned(),
                };
                Cause::Login { text, origin }
            }
            Error::NetworkError(_) if has("certificate") => Cause::Certificate(text),
            Error::NetworkError(_) if self.tls.is_some() && (has("received corrupt message") || has("handshake")) => {
                Cause::Tls(text)
            }
            Error::NetworkError(_) if has("serde") || has("framing") || has("interrupted") => Cause::NotAmqp(text),
            Error::NetworkError(_) => Cause::Unreachable(text),
            Error::ConnectionOpenError(_) if has("failed to open connection") => {
                Cause::VirtualHost { name: self.settings.virtual_host.clone(), text }
            }
            _ => Cause::NotAmqp(text),
        }
    }
}

/// Finds the cause of a refused declaration: the broker closes the channel and says why, and the request itself ends
/// without an answer.
fn refused(signals: &mut UnboundedReceiver<Signal>, error: &Error, missing: impl FnOnce() -> Cause) -> Cause {
    match signals.try_recv() {
        Ok(Signal::Closed { code: NOT_FOUND, .. }) => missing(),
        Ok(Signal::Closed { code, text }) => Cause::Closed { code, text },
        _ => Cause::Lost(error.to_string()),
    }
}
