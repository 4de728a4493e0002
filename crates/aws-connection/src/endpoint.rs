//! Endpoints of the AWS services that functions call.

/// An AWS service that functions call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Amazon DynamoDB.
    DynamoDb,
    /// Amazon Kinesis Data Streams.
    Kinesis,
    /// AWS Secrets Manager.
    SecretsManager,
}

impl Endpoint {
    /// Returns the service's URL in a region. A test compares it with the SDK's endpoint rules, which are part of each
    /// client and take longer to evaluate than all other work of this crate. Secrets Manager has no client here; its
    /// endpoints have the same form (<https://docs.aws.amazon.com/general/latest/gr/asm.html>).
    pub fn url(self, region: &str) -> String {
        let name = match self {
            Self::DynamoDb => "dynamodb",
            Self::Kinesis => "kinesis",
            Self::SecretsManager => "secretsmanager",
        };
        let domain = match region.rsplitn(3, '-').last() {
            Some("cn") => "amazonaws.com.cn",
            Some("eusc-de") => "amazonaws.eu",
            Some("us-iso") => "c2s.ic.gov",
            Some("us-isob") => "sc2s.sgov.gov",
            Some("eu-isoe") => "cloud.adc-e.uk",
            Some("us-isof") => "csp.hci.ic.gov",
            _ => "amazonaws.com",
        };
        format!("https://{name}.{region}.{domain}")
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::endpoint::ResolveEndpoint as _;
    use aws_sdk_kinesis::config::endpoint::ResolveEndpoint as _;

    use super::*;

    /// At least one region of each AWS partition.
    const REGIONS: [&str; 12] = [
        "us-east-1",
        "eu-central-1",
        "ap-southeast-7",
        "mx-central-1",
        "cn-north-1",
        "cn-northwest-1",
        "us-gov-west-1",
        "eusc-de-east-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "eu-isoe-west-1",
        "us-isof-south-1",
    ];

    #[tokio::test]
    async fn urls_are_those_of_the_sdks_endpoint_rules() {
        for region in REGIONS {
            let params =
                aws_sdk_dynamodb::config::endpoint::Params::builder().region(region.to_owned()).build().unwrap();
            let resolver = aws_sdk_dynamodb::config::endpoint::DefaultResolver::new();
            assert_eq!(Endpoint::DynamoDb.url(region), resolver.resolve_endpoint(&params).await.unwrap().url());
            let params =
                aws_sdk_kinesis::config::endpoint::Params::builder().region(region.to_owned()).build().unwrap();
            let resolver = aws_sdk_kinesis::config::endpoint::DefaultResolver::new();
            assert_eq!(Endpoint::Kinesis.url(region), resolver.resolve_endpoint(&params).await.unwrap().url());
        }
    }
}
