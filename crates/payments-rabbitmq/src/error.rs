//! Errors of the publisher, each with the remedy.

use std::time::Duration;

use aws_connection::InvalidCa;
use aws_secrets::SecretError;

use crate::settings::{AmqpName, BrokerAddress, Settings};

/// A message could not be published.
#[derive(Debug, thiserror::Error)]
#[error("RabbitMQ at {address}: {cause}")]
pub struct BrokerError {
    address: BrokerAddress,
    cause: Cause,
}

impl BrokerError {
    pub(crate) fn new(settings: &Settings, cause: Cause) -> Self {
        Self { address: settings.address.clone(), cause }
    }

    /// Returns the cause.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }
}

/// Cause of a [`BrokerError`].
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// A secret could not be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The certificate authority in a secret is invalid.
    #[error("the certificate authority in the secret {arn} cannot be used: {error}")]
    Ca {
        /// Secret of the certificate authority.
        arn: String,
        /// Cause.
        error: InvalidCa,
    },
    /// The host could not be found or reached.
    #[error(
        "no connection ({0}); check the host and the port, that the broker runs, and that the function's subnets and \
         security groups reach it"
    )]
    Unreachable(String),
    /// Connecting and logging in took too long.
    #[error(
        "no login within {0:?}; check the host and the port, whether the port expects TLS, and that the function's subnets \
         and security groups reach it"
    )]
    ConnectTimedOut(Duration),
    /// The broker's certificate is not trusted.
    #[error(
        "its certificate is not trusted ({0}); if Amazon's roots do not include its certificate authority, put that into \
         a secret and name the secret as HubCaSecretArn"
    )]
    Certificate(String),
    /// There was no TLS handshake.
    #[error("the TLS handshake failed ({0}); check that the port expects TLS, or set HubEncryption to plaintext")]
    Tls(String),
    /// The server did not speak AMQP 0-9-1, or ended the connection before the login.
    #[error(
        "the server ended the connection or does not speak AMQP 0-9-1 ({0}); check the port, and whether it expects TLS"
    )]
    NotAmqp(String),
    /// The login failed.
    #[error("the login failed ({text}); check the username and the password {origin}")]
    Login {
        /// Reason.
        text: String,
        /// Source of the credentials.
        origin: String,
    },
    /// The virtual host is missing, or the user has no access to it.
    #[error("the virtual host {name} cannot be used ({text}); create it, or give the user access to it")]
    VirtualHost {
        /// Name of the virtual host.
        name: AmqpName,
        /// Reason that the broker gave.
        text: String,
    },
    /// The exchange is missing.
    #[error("the exchange {0} does not exist; create it as a durable topic exchange, or correct RabbitMqExchange")]
    ExchangeMissing(AmqpName),
    /// The queue of Orders is missing.
    #[error(
        "the queue {queue} does not exist; create it and bind it to the exchange {exchange} with #, or correct RabbitMqQueue"
    )]
    QueueMissing {
        /// Name of the queue.
        queue: AmqpName,
        /// Name of the exchange.
        exchange: AmqpName,
    },
    /// The broker refused a request or ended the connection, with a reason.
    #[error("it closed the connection: {code} {text}")]
    Closed {
        /// Reply code of AMQP.
        code: u16,
        /// Reason that the broker gave.
        text: String,
    },
    /// The connection ended.
    #[error("the connection was lost ({0})")]
    Lost(String),
    /// The broker confirmed nothing for too long.
    #[error(
        "no confirm within {0:?}; a memory or disk alarm may block publishers (rabbitmqctl list_connections name state, \
         rabbitmq-diagnostics alarms), or the broker is overloaded"
    )]
    NotConfirmed(Duration),
    /// The time of a call was used up.
    #[error("not published within {0:?}")]
    OutOfTime(Duration),
    /// No queue is bound for the routing key.
    #[error("the exchange {exchange} routes the key {key} to no queue ({reason}); bind the queue {queue} to it with #")]
    Unroutable {
        /// Name of the exchange.
        exchange: AmqpName,
        /// Routing key of the message.
        key: String,
        /// Name of the queue of Orders.
        queue: AmqpName,
        /// Reply of the broker.
        reason: String,
    },
    /// A queue did not store the message.
    #[error(
        "a queue that is bound to the exchange {exchange} refused the message (negative confirm); look for a queue with a \
         length limit and overflow reject-publish, or one that failed"
    )]
    Refused {
        /// Name of the exchange.
        exchange: AmqpName,
    },
    /// The message is larger than the broker allows.
    #[error("{0}; raise max_message_size of the broker, then redrive the payment")]
    TooLarge(String),
    /// The thread of the connection could not be started.
    #[error("no thread for the connection could be started ({0})")]
    Thread(#[from] std::io::Error),
}
