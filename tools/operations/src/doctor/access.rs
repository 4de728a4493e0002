//! Access to a hub: tokens for MSK, and TLS.

use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_connection::{Trust, trust_only};
use aws_sdk_dynamodb::config::ProvideCredentials;
use rustls::ClientConfig;
use telemetry::WithCauses;

pub use aws_secrets::{Credentials, Secrets};

/// Returns a token for the MSK clusters of the configuration's region that use IAM.
pub async fn msk_token(config: &SdkConfig) -> Result<String, Box<dyn Error + Send + Sync>> {
    let region = config.region().ok_or("no region is set: set AWS_REGION")?.as_ref();
    let provider = config.credentials_provider().ok_or("no AWS credentials")?;
    payments_kafka::msk_token(&provider.provide_credentials().await?, region, SystemTime::now())
}

/// Returns the TLS configuration of a client that trusts this certificate authority alone, given as PEM; without one, the
/// system's. The error is the reason.
pub fn tls(ca_pem: Option<&str>) -> Result<Arc<ClientConfig>, String> {
    let configuration = match ca_pem {
        Some(pem) => trust_only(pem).map_err(|error| WithCauses(&error).to_string())?,
        None => Trust::System.client_config(),
    };
    Ok(Arc::new(configuration))
}
