//! Access to a hub: the credentials of its secret, tokens for MSK, and TLS.

use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_connection::{Endpoint, Https, Trust, trust_only};
use aws_sdk_dynamodb::config::ProvideCredentials;
use rustls::ClientConfig;
use telemetry::WithCauses;

pub use aws_secrets::{Credentials, Secrets};

/// Opens Secrets Manager in the configuration's region. `AWS_ENDPOINT_URL_SECRETS_MANAGER` and `AWS_ENDPOINT_URL`
/// override the endpoint, as they do for the SDK. The error is the reason.
pub fn secrets_on_aws(config: &SdkConfig) -> Result<Secrets, String> {
    let names = ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"];
    let given = names.into_iter().find_map(|name| std::env::var(name).ok());
    let region = config.region().ok_or("no region is set: set AWS_REGION")?.as_ref();
    Ok(secrets_at(config, &given.unwrap_or_else(|| Endpoint::SecretsManager.url(region))))
}

/// Opens Secrets Manager at a URL.
pub fn secrets_at(config: &SdkConfig, url: &str) -> Secrets {
    Secrets::at(config.clone(), Https::new(Trust::System), url)
}

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
