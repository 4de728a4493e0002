//! AWS configuration of the operator's process.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_connection::{Https, Trust};

/// Loads region, credentials and endpoints from the SDK's default chain: environment, profiles, container and instance
/// metadata. TLS trusts the system's certificate authorities.
pub async fn aws_of_operator() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).http_client(Https::new(Trust::System)).load().await
}
