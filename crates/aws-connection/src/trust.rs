//! Trusted root certificates.

use std::str::FromStr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::CertificateResult;
use telemetry::Variables;

use crate::crypto::provider;

/// Roots of Amazon Trust Services, which sign the certificates of all AWS endpoints, as published at
/// <https://www.amazontrust.com/repository/>. A test compares them with the fingerprints given there.
const AMAZON: [&[u8]; 5] = [
    include_bytes!("../roots/AmazonRootCA1.cer"),
    include_bytes!("../roots/AmazonRootCA2.cer"),
    include_bytes!("../roots/AmazonRootCA3.cer"),
    include_bytes!("../roots/AmazonRootCA4.cer"),
    include_bytes!("../roots/SFSRootCAG2.cer"),
];

/// Trust store of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The roots of Amazon Trust Services, which cover all AWS endpoints. Reading a machine's whole store takes several
    /// times as long as everything else that a function does before its first event.
    Amazon,
    /// The machine's trust store, or the one that `SSL_CERT_FILE` or `SSL_CERT_DIR` names.
    System,
}

/// Text that names no trust store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither amazon nor system")]
pub struct UnknownTrust;

impl FromStr for Trust {
    type Err = UnknownTrust;

    fn from_str(text: &str) -> Result<Self, UnknownTrust> {
        match text {
            "amazon" => Ok(Self::Amazon),
            "system" => Ok(Self::System),
            _ => Err(UnknownTrust),
        }
    }
}

impl Trust {
    /// Reads `TRUST_STORE`: `amazon`, the default, or `system`.
    pub fn read(variables: &mut Variables) -> Option<Self> {
        variables.optional("TRUST_STORE", "amazon or system", Self::Amazon)
    }

    /// Returns the TLS configuration of a client that trusts these roots.
    pub fn client_config(self) -> ClientConfig {
        client_config(self.roots())
    }

    /// Returns the store's readable certificates. Without any, every handshake fails with an error that says so.
    fn roots(self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        match self {
            Self::Amazon => roots.add_parsable_certificates(AMAZON.map(CertificateDer::from)),
            Self::System => roots.add_parsable_certificates(readable(rustls_native_certs::load_native_certs())),
        };
        roots
    }
}

/// Text that holds no certificate authority.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCa {
    /// The text is not PEM.
    #[error("it is not PEM: {0}")]
    NotPem(rustls::pki_types::pem::Error),
    /// A certificate is not valid.
    #[error("a certificate in it is invalid: {0}")]
    Certificate(rustls::Error),
    /// There is no certificate.
    #[error("it has no certificate; expected one or more PEM blocks BEGIN CERTIFICATE")]
    Empty,
}

/// Returns the TLS configuration of a client that trusts these certificate authorities alone, given as PEM.
pub fn trust_only(ca_pem: &str) -> Result<ClientConfig, InvalidCa> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate.map_err(InvalidCa::NotPem)?).map_err(InvalidCa::Certificate)?;
    }
    if roots.is_empty() { Err(InvalidCa::Empty) } else { Ok(client_config(roots)) }
}

fn client_config(roots: RootCertStore) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions();
    #[expect(clippy::expect_used, reason = "the provider has cipher suites for every safe version of TLS")]
    let builder = builder.expect("the provider has cipher suites");
    builder.with_root_certificates(roots).with_no_client_auth()
}

/// Returns the readable certificates. Errors are logged: nothing else would explain why a certificate is not trusted.
fn readable(CertificateResult { certs, errors, .. }: CertificateResult) -> Vec<CertificateDer<'static>> {
    if let Some(error) = joined(&errors) {
        tracing::warn!(error, "could not read some of the machine's trusted certificates; continues with the others");
    }
    certs
}

/// Joins all errors into one line; `None` without errors.
fn joined(errors: &[rustls_native_certs::Error]) -> Option<String> {
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    (!errors.is_empty()).then(|| errors.join("; "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use data_encoding::HEXLOWER;
    use sha2::{Digest, Sha256};
    use time::macros::date;
    use time::{Date, OffsetDateTime};

    use super::*;

    /// SHA-256 and expiry date of each certificate, as published.
    const PUBLISHED: [(&str, Date); 5] = [
        ("8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e", date!(2038 - 01 - 17)),
        ("1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4", date!(2040 - 05 - 26)),
        ("18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4", date!(2040 - 05 - 26)),
        ("e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092", date!(2040 - 05 - 26)),
        ("568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5", date!(2037 - 12 - 31)),
    ];
    /// Remaining validity below which the test demands a replacement: a deployed function may run for years.
    const DAYS_LEFT_MIN: i64 = 3 * 365;

    #[test]
    fn the_roots_are_those_that_amazon_publishes_and_are_valid_for_years() {
        let today = OffsetDateTime::now_utc().date();
        for (root, (fingerprint, ends)) in AMAZON.iter().zip(PUBLISHED) {
            let digest = Sha256::digest(root);
            assert_eq!(HEXLOWER.encode(&digest), fingerprint);
            assert!((ends - today).whole_days() > DAYS_LEFT_MIN, "{fingerprint} expires on {ends}");
        }
        assert_eq!(Trust::Amazon.roots().len(), AMAZON.len(), "every root is readable");
    }

    #[test]
    fn errors_of_reading_a_store_are_joined_into_one_line() {
        let missing = |names: [&str; 2]| {
            let [file, folder] = names.map(|name| Path::new("no-such-folder").join(name));
            joined(&rustls_native_certs::load_certs_from_paths(Some(&file), Some(&folder)).errors)
        };
        let message = missing(["a.pem", "b"]).unwrap();
        assert!(message.contains("a.pem") && message.contains('b') && !message.contains('\n'), "{message}");
        assert_eq!(joined(&[]), None);
    }

    #[test]
    fn text_without_a_valid_certificate_is_no_ca() {
        let block = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        assert!(matches!(trust_only("a CA"), Err(InvalidCa::Empty)));
        assert!(matches!(trust_only(&block("%")), Err(InvalidCa::NotPem(_))));
        assert!(matches!(trust_only(&block("AAAA")), Err(InvalidCa::Certificate(_))));
        let root = data_encoding::BASE64.encode(AMAZON[0]);
        assert!(trust_only(&block(&root)).is_ok());
        assert!(matches!(trust_only(&[block(&root), block("AAAA")].concat()), Err(InvalidCa::Certificate(_))));
    }

    #[test]
    fn a_trust_store_is_parsed_from_its_name() {
        assert_eq!("system".parse(), Ok(Trust::System));
        assert_eq!("amazon".parse(), Ok(Trust::Amazon));
        assert_eq!("".parse::<Trust>(), Err(UnknownTrust));
    }
}
