//! Base URL of the processor.

use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};

/// Base URL of a payment processor: `https`, or plain `http` at a loopback address, given as a number. It has no user
/// information, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessorUrl(String);

/// Reason why a URL is rejected. Does not show the URL, which may contain a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProcessorUrl {
    /// Not a URL with scheme and host.
    #[error("is not a URL with a scheme and a host")]
    NotAUrl,
    /// The URL has user information, an invalid port, a query or a fragment.
    #[error("has more than a host, a valid port and a path")]
    MoreThanABase,
    /// The scheme is `http` and the host is not a loopback address.
    #[error("is plain http, which would send the API key unencrypted; only a loopback address may have it")]
    NotEncrypted,
    /// The scheme is neither `https` nor `http`.
    #[error("does not begin with https://")]
    OtherScheme,
}

impl ProcessorUrl {
    /// Returns the URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProcessorUrl {
    type Err = InvalidProcessorUrl;

    fn from_str(text: &str) -> Result<Self, InvalidProcessorUrl> {
        let uri: Uri = text.parse().map_err(|_shows_the_url| InvalidProcessorUrl::NotAUrl)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(InvalidProcessorUrl::NotAUrl);
        };
        // `Uri` drops a fragment.
        if !is_host_and_port(authority) || uri.query().is_some() || text.contains('#') {
            return Err(InvalidProcessorUrl::MoreThanABase);
        }
        if *scheme == Scheme::HTTP && !is_loopback(authority.host()) {
            return Err(InvalidProcessorUrl::NotEncrypted);
        }
        if ![Scheme::HTTP, Scheme::HTTPS].contains(scheme) {
            return Err(InvalidProcessorUrl::OtherScheme);
        }
        Ok(Self(format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/'))))
    }
}

fn is_host_and_port(authority: &Authority) -> bool {
    let host = authority.host();
    let with_port = || authority.port_u16().map(|port| format!("{host}:{port}"));
    !host.is_empty() && (authority.as_str() == host || with_port().is_some_and(|text| text == authority.as_str()))
}

/// Returns true for a loopback address. A name could resolve to another address.
fn is_loopback(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
