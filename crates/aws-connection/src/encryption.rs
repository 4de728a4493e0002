//! Encryption of connections to hubs.

use std::str::FromStr;

/// Encryption of the connection to a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// `tls`.
    Tls,
    /// `plaintext`, for a broker on the same machine or in a network that is trusted.
    Plaintext,
}

/// Text that names no encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither tls nor plaintext")]
pub struct UnknownEncryption;

impl FromStr for Encryption {
    type Err = UnknownEncryption;

    fn from_str(text: &str) -> Result<Self, UnknownEncryption> {
        match text {
            "tls" => Ok(Self::Tls),
            "plaintext" => Ok(Self::Plaintext),
            _ => Err(UnknownEncryption),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryption_is_parsed_from_its_name() {
        assert_eq!("tls".parse(), Ok(Encryption::Tls));
        assert_eq!("plaintext".parse(), Ok(Encryption::Plaintext));
        assert_eq!("TLS".parse::<Encryption>(), Err(UnknownEncryption));
    }
}
