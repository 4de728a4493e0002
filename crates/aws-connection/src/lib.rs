//! How functions connect to AWS.
//!
//! One HTTPS client serves every AWS client of a function, so that trust roots are read once. It uses rustls with
//! `ring`: the SDK's default, `aws-lc`, adds a megabyte to a function and half a minute to a first build.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

/// What all AWS clients of a function start from: region, credentials and endpoints as the environment tells them, over
/// one HTTPS client.
///
/// Timeouts and retries are each client's own: how long a call may take depends on who waits for it.
pub async fn shared_config() -> SdkConfig {
    let https = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest()).http_client(https).load().await
}
