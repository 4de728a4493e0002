//! Who operates, as AWS knows them.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_connection::{Https, Trust};

/// Region, credentials and endpoints of whoever runs this process, searched for where the AWS command line does: environment,
/// profiles, containers, instances. Trusts whom the machine trusts.
pub async fn aws_of_operator() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).http_client(Https::new(Trust::System)).load().await
}
