//! SDK configuration for emulators.

use aws_connection::{Https, Trust};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::SdkConfig;
use aws_types::region::Region;

/// Region of the local environment and of the deployment on LocalStack.
const REGION: &str = "us-east-1";

/// Returns the configuration of an SDK client of the emulator at `endpoint`. Emulators accept any credentials.
pub fn emulator(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Https::new(Trust::System))
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "emulator")))
        .endpoint_url(endpoint)
        .build()
}
