//! AWS configuration of a function, from its environment variables.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use telemetry::{InvalidEnvironment, Variables};

use crate::{Endpoint, Https, Trust};

/// Base of all AWS clients of a function: region, credentials and endpoints from the environment, over one HTTPS
/// client.
///
/// | variable | |
/// |---|---|
/// | `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | set by Lambda; only the last may be missing |
/// | `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_KINESIS`, `AWS_ENDPOINT_URL_SECRETS_MANAGER` | override the region's endpoints, for emulators, FIPS or dual-stack; `AWS_ENDPOINT_URL` applies to a service whose own variable is missing |
/// | `TRUST_STORE` | `amazon`, the default, or `system`: see [`Trust`] |
///
/// Lambda passes everything in these variables. The SDK's default provider chain, which also searches files,
/// containers, instance metadata and token services, would be an eighth of a function's size and find nothing. Each
/// client sets its own timeouts and retries, since the acceptable duration of a call depends on its caller.
#[derive(Debug)]
pub struct Aws {
    config: SdkConfig,
    https: Https,
    dynamodb_url: String,
    kinesis_url: String,
    secrets_manager_url: String,
}

impl Aws {
    /// Reads the configuration. The error lists every variable that is missing or invalid.
    pub fn from_environment(mut variables: Variables) -> Result<Self, InvalidEnvironment> {
        let region: Option<String> = variables.required("AWS_REGION", "the region, set by Lambda");
        let credentials = credentials(&mut variables);
        let endpoints = Endpoints::read(&mut variables);
        let trust = Trust::read(&mut variables);
        let (Some(region), Some(credentials), Some(endpoints), Some(trust)) = (region, credentials, endpoints, trust)
        else {
            return Err(variables.into_error());
        };
        let https = Https::new(trust);
        let url = |own: &Option<String>, endpoint: Endpoint| own.clone().unwrap_or_else(|| endpoint.url(&region));
        let dynamodb_url = url(&endpoints.dynamodb, Endpoint::DynamoDb);
        let kinesis_url = url(&endpoints.kinesis, Endpoint::Kinesis);
        let secrets_manager_url = url(&endpoints.secrets_manager, Endpoint::SecretsManager);
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .service_config(endpoints)
            .http_client(https.clone())
            .build();
        Ok(Self { config, https, dynamodb_url, kinesis_url, secrets_manager_url })
    }

    /// Returns the configuration to build clients from.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// Returns the HTTPS client, for calls to services without a client of their own.
    pub fn https(&self) -> &Https {
        &self.https
    }

    /// Returns the URL of a service: the region's endpoint, unless a variable overrides it.
    pub fn url(&self, endpoint: Endpoint) -> &str {
        match endpoint {
            Endpoint::DynamoDb => &self.dynamodb_url,
            Endpoint::Kinesis => &self.kinesis_url,
            Endpoint::SecretsManager => &self.secrets_manager_url,
        }
    }

    /// Connects to a service, so that the first call finds a connection. A failure is logged, and the first call
    /// connects itself.
    pub async fn connect(&self, endpoint: Endpoint) {
        self.https.connect(self.url(endpoint)).await;
    }
}

/// Reads static credentials: Lambda does not change them during the life of a sandbox.
fn credentials(variables: &mut Variables) -> Option<Credentials> {
    let id: Option<String> =
        variables.required("AWS_ACCESS_KEY_ID", "the access key of the function's role, set by Lambda");
    let secret: Option<String> = variables.required("AWS_SECRET_ACCESS_KEY", "the secret of that key, set by Lambda");
    let token: String = variables.optional("AWS_SESSION_TOKEN", "the session token of that key", String::new())?;
    Some(Credentials::new(id?, secret?, Some(token).filter(|token| !token.is_empty()), None, "environment"))
}

/// Overrides of the region's endpoints.
#[derive(Debug)]
struct Endpoints {
    dynamodb: Option<String>,
    kinesis: Option<String>,
    secrets_manager: Option<String>,
}

impl Endpoints {
    fn read(variables: &mut Variables) -> Option<Self> {
        let mut url = |name| variables.optional(name, "a URL", String::new());
        let everywhere = url("AWS_ENDPOINT_URL")?;
        let (dynamodb, kinesis) = (url("AWS_ENDPOINT_URL_DYNAMODB")?, url("AWS_ENDPOINT_URL_KINESIS")?);
        let secrets_manager = url("AWS_ENDPOINT_URL_SECRETS_MANAGER")?;
        let first = |url: String| [url, everywhere.clone()].into_iter().find(|url| !url.is_empty());
        let (dynamodb, kinesis, secrets_manager) = (first(dynamodb), first(kinesis), first(secrets_manager));
        Some(Self { dynamodb, kinesis, secrets_manager })
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
    use aws_sdk_dynamodb::config::ProvideCredentials as _;

    use super::*;

    const ROLE: [(&str, &str); 3] =
        [("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    const TOKEN: (&str, &str) = ("AWS_SESSION_TOKEN", "token");

    fn read(more: &[(&str, &str)]) -> Result<Aws, String> {
        let variables = ROLE.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Aws::from_environment(variables.collect()).map_err(|error| error.to_string())
    }

    fn dynamodb_url(more: &[(&str, &str)]) -> Option<String> {
        let key = ServiceConfigKey::builder().service_id("DynamoDB").profile("").env("AWS_ENDPOINT_URL");
        let aws = read(more).unwrap();
        aws.config().service_config().unwrap().load_config(key.build().unwrap())
    }

    #[test]
    fn the_variables_that_lambda_sets_are_sufficient() {
        let aws = read(&[]).unwrap();
        assert_eq!(aws.config().region().map(AsRef::as_ref), Some("eu-central-1"));
        assert_eq!(aws.dynamodb_url, "https://dynamodb.eu-central-1.amazonaws.com");
    }

    /// AWS rejects a role's key without its session token; other keys have none.
    #[tokio::test]
    async fn credentials_are_those_that_lambda_sets_session_token_included() {
        for (more, token) in [(&[TOKEN][..], Some("token")), (&[("AWS_SESSION_TOKEN", "")], None), (&[], None)] {
            let aws = read(more).unwrap();
            let key = aws.config().credentials_provider().unwrap().provide_credentials().await.unwrap();
            assert_eq!((key.access_key_id(), key.secret_access_key(), key.session_token()), ("id", "secret", token));
        }
    }

    #[test]
    fn the_endpoint_variable_of_a_service_overrides_the_general_one() {
        let all = ("AWS_ENDPOINT_URL", "http://all");
        let own = ("AWS_ENDPOINT_URL_DYNAMODB", "http://own");
        let other = ("AWS_ENDPOINT_URL_KINESIS", "http://other");
        assert_eq!(dynamodb_url(&[]), None);
        assert_eq!(dynamodb_url(&[other]), None);
        assert_eq!(dynamodb_url(&[all, other]).as_deref(), Some("http://all"));
        assert_eq!(dynamodb_url(&[own, all]).as_deref(), Some("http://own"));
    }

    #[test]
    fn the_endpoint_of_secrets_manager_is_overridden_as_the_sdk_does() {
        let url = |more: &[_]| read(more).unwrap().url(Endpoint::SecretsManager).to_owned();
        let own = ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://own");
        assert_eq!(url(&[]), "https://secretsmanager.eu-central-1.amazonaws.com");
        assert_eq!(url(&[("AWS_ENDPOINT_URL", "http://all")]), "http://all");
        assert_eq!(url(&[own, ("AWS_ENDPOINT_URL", "http://all")]), "http://own");
    }

    #[test]
    fn all_invalid_variables_are_reported_together() {
        let variables = [("TRUST_STORE", "none"), ("AWS_REGION", "eu-central-1")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter();
        let error = Aws::from_environment(variables.collect()).unwrap_err().to_string();
        for part in ["AWS_ACCESS_KEY_ID is missing", "TRUST_STORE is neither amazon nor system"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
