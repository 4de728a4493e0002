//! Address of a hub: `[USER:PASSWORD@]HOST:PORT`.

use std::fmt;
use std::str::FromStr;

/// User and password of a `RabbitMQ` broker that was never configured.
const DEFAULT_CREDENTIALS: (&str, &str) = ("guest", "guest");

/// Host, port and credentials of a hub. `Debug` and `Display` do not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct HubUrl {
    host: String,
    port: u16,
    username: String,
    password: String,
}

/// Text that is not the address of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHubUrl {
    /// No port, or not a number from 1 to 65535.
    #[error("must be [USER:PASSWORD@]HOST:PORT with a port from 1 to 65535, such as 127.0.0.1:9092")]
    Port,
    /// No host, or other characters than those of host names and IPv4 addresses.
    #[error("must be [USER:PASSWORD@]HOST:PORT: HOST is a host name or an IPv4 address, without a scheme or a path")]
    Host,
    /// No password, or no user.
    #[error("must be [USER:PASSWORD@]HOST:PORT: before the @ are a user and a password, separated by a colon")]
    Credentials,
}

impl HubUrl {
    /// Returns `HOST:PORT`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Returns user and password, by default `guest` and `guest`.
    pub fn credentials(&self) -> (&str, &str) {
        (&self.username, &self.password)
    }
}

impl FromStr for HubUrl {
    type Err = InvalidHubUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (credentials, address) = match text.rsplit_once('@') {
            Some((credentials, address)) => (Some(credentials), address),
            None => (None, text),
        };
        let (username, password) = match credentials {
            Some(credentials) => credentials.split_once(':').ok_or(InvalidHubUrl::Credentials)?,
            None => DEFAULT_CREDENTIALS,
        };
        if username.is_empty() || password.is_empty() {
            return Err(InvalidHubUrl::Credentials);
        }
        let (host, port) = address.rsplit_once(':').ok_or(InvalidHubUrl::Port)?;
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
        if host.is_empty() || !host.bytes().all(is_host) {
            return Err(InvalidHubUrl::Host);
        }
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(InvalidHubUrl::Port)?;
        let (host, username, password) = (host.to_owned(), username.to_owned(), password.to_owned());
        Ok(Self { host, port, username, password })
    }
}

impl fmt::Display for HubUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.address())
    }
}

impl fmt::Debug for HubUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HubUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_credentials() {
        let url: HubUrl = "127.0.0.1:5672".parse().unwrap();
        assert_eq!((url.address().as_str(), url.credentials()), ("127.0.0.1:5672", ("guest", "guest")));
        let url: HubUrl = "orders:s:e@cret@broker.local:5671".parse().unwrap();
        assert_eq!((url.address().as_str(), url.credentials()), ("broker.local:5671", ("orders", "s:e@cret")));
        assert_eq!(format!("{url:?} {url}"), "HubUrl(broker.local:5671) broker.local:5671");
    }

    #[test]
    fn an_invalid_address_is_rejected_with_the_form_that_it_must_have() {
        for (text, expected) in [
            ("", InvalidHubUrl::Port),
            ("127.0.0.1", InvalidHubUrl::Port),
            ("127.0.0.1:", InvalidHubUrl::Port),
            ("127.0.0.1:0", InvalidHubUrl::Port),
            ("127.0.0.1:70000", InvalidHubUrl::Port),
            (":9092", InvalidHubUrl::Host),
            ("kafka://127.0.0.1:9092", InvalidHubUrl::Host),
            ("one:9092,two:9092", InvalidHubUrl::Host),
            ("user@127.0.0.1:5672", InvalidHubUrl::Credentials),
            ("user:@127.0.0.1:5672", InvalidHubUrl::Credentials),
        ] {
            assert_eq!(text.parse::<HubUrl>(), Err(expected), "{text}");
        }
    }
}
