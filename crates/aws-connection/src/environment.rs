//! What Lambda tells a function of AWS by its environment.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use telemetry::{InvalidEnvironment, Variables};

use crate::{Https, Trust};

/// What all AWS clients of a function start from: region, credentials and endpoints as its environment tells them, over one
/// HTTPS client.
///
/// | variable | |
/// |---|---|
/// | `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | set by Lambda; only the last may be missing |
/// | `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_KINESIS` | lead elsewhere than to AWS, as do emulators; `AWS_ENDPOINT_URL` where the service's own is missing |
/// | `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT` | `true` or `false`, which is the default |
/// | `TRUST_STORE` | `amazon`, the default, or `system`: see [`Trust`] |
///
/// Lambda tells all there is this way. The SDK's own search, through files, containers, instances and token services, would be
/// an eighth of a function's size and find nothing. Timeouts and retries are each client's own: how long a call may take
/// depends on who waits for it.
pub fn from_environment(mut variables: Variables) -> Result<SdkConfig, InvalidEnvironment> {
    let region: Option<String> = variables.required("AWS_REGION", "the region, which Lambda sets");
    let credentials = credentials(&mut variables);
    let endpoints = Endpoints::read(&mut variables);
    let fips = variables.optional("AWS_USE_FIPS_ENDPOINT", "true or false", false);
    let dual_stack = variables.optional("AWS_USE_DUALSTACK_ENDPOINT", "true or false", false);
    let trust = Trust::read(&mut variables);
    match (region, credentials, endpoints, fips, dual_stack, trust) {
        (Some(region), Some(credentials), Some(endpoints), Some(fips), Some(dual_stack), Some(trust)) => {
            Ok(SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(region))
                .credentials_provider(SharedCredentialsProvider::new(credentials))
                .service_config(endpoints)
                .use_fips(fips)
                .use_dual_stack(dual_stack)
                .http_client(Https::new(trust))
                .build())
        }
        _ => Err(variables.into_error()),
    }
}

/// They stay the same as long as the sandbox lives.
fn credentials(variables: &mut Variables) -> Option<Credentials> {
    let id: Option<String> =
        variables.required("AWS_ACCESS_KEY_ID", "the key of the function's role, which Lambda sets");
    let secret: Option<String> = variables.required("AWS_SECRET_ACCESS_KEY", "that key's secret, which Lambda sets");
    let token: String = variables.optional("AWS_SESSION_TOKEN", "that key's token", String::new())?;
    Some(Credentials::new(id?, secret?, Some(token).filter(|token| !token.is_empty()), None, "environment"))
}

/// Where services are, if not where AWS has them.
#[derive(Debug)]
struct Endpoints {
    dynamodb: Option<String>,
    kinesis: Option<String>,
}

impl Endpoints {
    fn read(variables: &mut Variables) -> Option<Self> {
        let mut url = |name| variables.optional(name, "a URL", String::new());
        let (everywhere, dynamodb, kinesis) =
            (url("AWS_ENDPOINT_URL")?, url("AWS_ENDPOINT_URL_DYNAMODB")?, url("AWS_ENDPOINT_URL_KINESIS")?);
        let first = |url: String| [url, everywhere.clone()].into_iter().find(|url| !url.is_empty());
        Some(Self { dynamodb: first(dynamodb), kinesis: first(kinesis) })
    }
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        match (key.env(), key.service_id()) {
            ("AWS_ENDPOINT_URL", "DynamoDB") => self.dynamodb.clone(),
            ("AWS_ENDPOINT_URL", "Kinesis") => self.kinesis.clone(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: [(&str, &str); 3] =
        [("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];

    fn read(more: &[(&str, &str)]) -> Result<SdkConfig, String> {
        let variables = ROLE.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        from_environment(variables.collect()).map_err(|error| error.to_string())
    }

    fn dynamodb_url(more: &[(&str, &str)]) -> Option<String> {
        let key = ServiceConfigKey::builder().service_id("DynamoDB").profile("").env("AWS_ENDPOINT_URL");
        let config = read(more).unwrap();
        config.service_config().unwrap().load_config(key.build().unwrap())
    }

    #[test]
    fn what_lambda_sets_is_enough() {
        let config = read(&[]).unwrap();
        assert_eq!(config.region().map(AsRef::as_ref), Some("eu-central-1"));
        assert_eq!((config.use_fips(), config.use_dual_stack()), (Some(false), Some(false)));
    }

    #[test]
    fn a_service_is_where_its_own_variable_says_or_else_where_that_of_all_does() {
        let all = ("AWS_ENDPOINT_URL", "http://all");
        let own = ("AWS_ENDPOINT_URL_DYNAMODB", "http://own");
        let other = ("AWS_ENDPOINT_URL_KINESIS", "http://other");
        assert_eq!(dynamodb_url(&[]), None);
        assert_eq!(dynamodb_url(&[other]), None);
        assert_eq!(dynamodb_url(&[all, other]).as_deref(), Some("http://all"));
        assert_eq!(dynamodb_url(&[own, all]).as_deref(), Some("http://own"));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let error = read(&[("AWS_REGION", ""), ("TRUST_STORE", "none"), ("AWS_USE_FIPS_ENDPOINT", "yes")]).unwrap_err();
        for part in ["AWS_REGION is missing", "TRUST_STORE is neither amazon nor system", "AWS_USE_FIPS_ENDPOINT"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
