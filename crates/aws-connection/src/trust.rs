//! Whose certificates are trusted.

use std::str::FromStr;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::CertificateResult;
use telemetry::Variables;

/// The roots of Amazon Trust Services, which the certificates of all AWS endpoints go back to, as published at
/// <https://www.amazontrust.com/repository/>. A test holds them to the fingerprints given there.
const AMAZON: [&[u8]; 5] = [
    include_bytes!("../roots/AmazonRootCA1.cer"),
    include_bytes!("../roots/AmazonRootCA2.cer"),
    include_bytes!("../roots/AmazonRootCA3.cer"),
    include_bytes!("../roots/AmazonRootCA4.cer"),
    include_bytes!("../roots/SFSRootCAG2.cer"),
];

/// Whose certificates are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Those that Amazon Trust Services vouches for: all AWS endpoints have one. Reading a machine's whole store takes
    /// several times as long as everything else that a function does before its first event.
    Amazon,
    /// Those that this machine trusts; where `SSL_CERT_FILE` or `SSL_CERT_DIR` is set, what is found there.
    System,
}

/// The text names no trust store.
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
    /// `TRUST_STORE`: `amazon`, the default, or `system`.
    pub fn read(variables: &mut Variables) -> Option<Self> {
        variables.optional("TRUST_STORE", "amazon or system", Self::Amazon)
    }

    pub(crate) fn client_config(self) -> ClientConfig {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        #[expect(clippy::expect_used, reason = "ring has suites for every version that is safe")]
        let builder = builder.expect("ring has suites");
        builder.with_root_certificates(self.roots()).with_no_client_auth()
    }

    /// A certificate that cannot be read is none that is trusted; where there is none at all every handshake fails and says so.
    fn roots(self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        match self {
            Self::Amazon => roots.add_parsable_certificates(AMAZON.map(CertificateDer::from)),
            Self::System => roots.add_parsable_certificates(readable(rustls_native_certs::load_native_certs())),
        };
        roots
    }
}

/// What could be read of a store. The rest is logged: nothing else would say why a certificate is not trusted.
fn readable(CertificateResult { certs, errors, .. }: CertificateResult) -> Vec<CertificateDer<'static>> {
    if let Some(error) = together(&errors) {
        tracing::warn!(error, "could not read all of the machine's trusted certificates, and goes on with the others");
    }
    certs
}

/// As many errors as there are, in one line.
fn together(errors: &[rustls_native_certs::Error]) -> Option<String> {
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

    /// SHA-256 of each certificate, and the day it ends, as its publisher gives them.
    const PUBLISHED: [(&str, Date); 5] = [
        ("8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e", date!(2038 - 01 - 17)),
        ("1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4", date!(2040 - 05 - 26)),
        ("18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4", date!(2040 - 05 - 26)),
        ("e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092", date!(2040 - 05 - 26)),
        ("568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5", date!(2037 - 12 - 31)),
    ];
    /// A root that ends sooner is to be replaced now: functions run for years where nobody deploys them again.
    const DAYS_LEFT_MIN: i64 = 3 * 365;

    #[test]
    fn the_roots_are_those_that_amazon_publishes_and_hold_for_years() {
        let today = OffsetDateTime::now_utc().date();
        for (root, (fingerprint, ends)) in AMAZON.iter().zip(PUBLISHED) {
            let digest = Sha256::digest(root);
            assert_eq!(HEXLOWER.encode(&digest), fingerprint);
            assert!((ends - today).whole_days() > DAYS_LEFT_MIN, "{fingerprint} ends on {ends}");
        }
        assert_eq!(Trust::Amazon.roots().len(), AMAZON.len(), "each can be read");
    }

    #[test]
    fn what_cannot_be_read_of_a_store_is_told_in_one_line() {
        let missing = |names: [&str; 2]| {
            let [file, folder] = names.map(|name| Path::new("no-such-folder").join(name));
            together(&rustls_native_certs::load_certs_from_paths(Some(&file), Some(&folder)).errors)
        };
        let told = missing(["a.pem", "b"]).unwrap();
        assert!(told.contains("a.pem") && told.contains('b') && !told.contains('\n'), "{told}");
        assert_eq!(together(&[]), None);
    }

    #[test]
    fn a_store_is_named() {
        assert_eq!("system".parse(), Ok(Trust::System));
        assert_eq!("amazon".parse(), Ok(Trust::Amazon));
        assert_eq!("".parse::<Trust>(), Err(UnknownTrust));
    }
}
