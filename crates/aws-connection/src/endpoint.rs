//! Where AWS has the services that functions call.

/// The endpoint of a service that functions call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Amazon DynamoDB.
    DynamoDb,
    /// Amazon Kinesis Data Streams.
    Kinesis,
}

impl Endpoint {
    /// Its URL in a region, as the SDK's rules for endpoints have it; a test compares them. Those rules are part of a client, and
    /// cost more to ask than all that is done here.
    pub(crate) fn url(self, region: &str) -> String {
        let name = match self {
            Self::DynamoDb => "dynamodb",
            Self::Kinesis => "kinesis",
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

    /// One of each partition of AWS, and some more.
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
    async fn a_service_is_where_the_sdk_looks_for_it() {
        for region in REGIONS {
            let asked =
                aws_sdk_dynamodb::config::endpoint::Params::builder().region(region.to_owned()).build().unwrap();
            let found = aws_sdk_dynamodb::config::endpoint::DefaultResolver::new();
            assert_eq!(Endpoint::DynamoDb.url(region), found.resolve_endpoint(&asked).await.unwrap().url());
            let asked = aws_sdk_kinesis::config::endpoint::Params::builder().region(region.to_owned()).build().unwrap();
            let found = aws_sdk_kinesis::config::endpoint::DefaultResolver::new();
            assert_eq!(Endpoint::Kinesis.url(region), found.resolve_endpoint(&asked).await.unwrap().url());
        }
    }
}
