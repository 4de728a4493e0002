//! Configuration of the connection to a cluster.

use std::str::FromStr;

use aws_connection::Encryption;

/// A topic, and the way to reach its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// Addresses (HOST:PORT) at which the cluster is first contacted. It names the others.
    pub bootstrap_servers: BootstrapServers,
    /// Topic that receives the events. It must exist.
    pub topic: String,
    /// How the relay proves its identity.
    pub authentication: Authentication,
    /// How the connection is encrypted.
    pub encryption: Encryption,
    /// ARN of the secret with the only certificate authority to trust. `None`: the roots of Amazon Trust Services, which
    /// sign the certificates of Amazon MSK.
    pub ca_secret_arn: Option<String>,
}

/// How a client proves its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// Not at all.
    None,
    /// IAM access control of Amazon MSK, as the function's role.
    Iam,
    /// SASL/SCRAM-SHA-512.
    ScramSha512 {
        /// ARN of the secret with username and password.
        secret_arn: String,
    },
}

/// One or more addresses, as `HOST:PORT,…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootstrapServers(Vec<String>);

/// The text is not a list of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("has {0:?}, which is not HOST:PORT")]
pub struct InvalidAddress(String);

impl BootstrapServers {
    /// Returns the addresses.
    pub fn addresses(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for BootstrapServers {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let valid = |address: &str| match address.rsplit_once(':') {
            Some((host, port))
                if !host.is_empty() && !host.contains([':', '/', ' ']) && port.parse::<u16>().is_ok() =>
            {
                Ok(address.to_owned())
            }
            _ => Err(InvalidAddress(address.to_owned())),
        };
        text.split(',').map(str::trim).map(valid).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bootstrap_servers_are_hosts_with_ports() {
        let servers: BootstrapServers = "b-1.example:9098, b-2.example:9098".parse().unwrap();
        assert_eq!(servers.addresses(), ["b-1.example:9098", "b-2.example:9098"]);
        for (text, wrong) in [
            ("", ""),
            ("b-1", "b-1"),
            ("b-1:9098,", ""),
            (":9098", ":9098"),
            ("b-1:x", "b-1:x"),
            ("b-1:65536", "b-1:65536"),
            ("SASL_SSL://b-1:9098", "SASL_SSL://b-1:9098"),
            ("[::1]:9098", "[::1]:9098"),
        ] {
            assert_eq!(text.parse::<BootstrapServers>(), Err(InvalidAddress(wrong.to_owned())));
        }
    }
}
