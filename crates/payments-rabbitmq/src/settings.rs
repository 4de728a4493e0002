//! Settings of the publisher.

use std::fmt;
use std::str::FromStr;

use aws_connection::{Encryption, Trust};

/// Maximum length of an AMQP short string, in bytes. Source: AMQP 0-9-1, 4.2.5.3.
pub(crate) const SHORT_STRING_BYTES_MAX: usize = 255;

/// Broker, exchange and queue, and how to log in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the broker.
    pub address: BrokerAddress,
    /// Virtual host of exchange and queue.
    pub virtual_host: AmqpName,
    /// Exchange to publish to.
    pub exchange: AmqpName,
    /// Queue of Orders, which must exist.
    pub queue: AmqpName,
    /// Encryption of the connection.
    pub encryption: Encryption,
    /// Secret with username and password. `None`: RabbitMQ's user `guest`, which logs in from the broker's own machine only.
    pub secret_arn: Option<String>,
    /// Secret with the certificate authority of the broker, the only one that is trusted then. `None`: the roots of `trust`.
    pub ca_secret_arn: Option<String>,
    /// Trusted roots without a certificate authority of its own.
    pub trust: Trust,
    /// Name of the connection, which the broker shows.
    pub connection_name: String,
}

/// Host and port, parsed from `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Text that is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not HOST:PORT")]
pub struct InvalidAddress;

impl FromStr for BrokerAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let (host, port) = text.rsplit_once(':').ok_or(InvalidAddress)?;
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let port = port.parse().map_err(|_invalid| InvalidAddress)?;
        if host.is_empty() || !host.bytes().all(is_host) || port == 0 {
            return Err(InvalidAddress);
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Name of a virtual host, an exchange or a queue: 1 to 255 bytes. amqprs panics on longer ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmqpName(String);

/// Text that cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not 1 to 255 bytes long")]
pub struct InvalidName;

impl FromStr for AmqpName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is_valid = (1..=SHORT_STRING_BYTES_MAX).contains(&text.len());
        is_valid.then(|| Self(text.to_owned())).ok_or(InvalidName)
    }
}

impl AmqpName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AmqpName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let address: BrokerAddress = "b-1.mq.eu-central-1.amazonaws.com:5671".parse().unwrap();
        assert_eq!(address.to_string(), "b-1.mq.eu-central-1.amazonaws.com:5671");
        for bad in ["", "host", "host:", ":5671", "host:0", "host:70000", "amqps://host:5671", "a b:1", "host:+1x"] {
            assert_eq!(bad.parse::<BrokerAddress>(), Err(InvalidAddress), "{bad}");
        }
    }

    #[test]
    fn names_are_bounded_in_bytes() {
        assert!("/".parse::<AmqpName>().is_ok());
        assert!("é".repeat(127).parse::<AmqpName>().is_ok());
        assert_eq!("é".repeat(128).parse::<AmqpName>(), Err(InvalidName));
        assert_eq!("".parse::<AmqpName>(), Err(InvalidName));
    }
}
