//! A Paystream that is deployed: on LocalStack, or on AWS. Known by the outputs of its stack.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, ProvideCredentials, Region, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_types::SdkConfig;
use paystream_operations::aws_of_operator;
use reqwest::header::HeaderName;
use serde_json::Value;

use crate::{Target, workspace};

/// The variable that names the file of the stack's outputs.
const OUTPUTS: &str = "PAYSTREAM_STACK_OUTPUTS";
/// The variable that leads the SDK elsewhere than to AWS.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// How to come by what is missing.
const ON_LOCALSTACK: &str =
    "`localstack/stack deploy` deploys the stack and writes its outputs, and says how to start LocalStack";
const ON_AWS: &str = "`sam list stack-outputs --stack-name NAME --output json > FILE` writes those of a deployed stack, and \
    PAYSTREAM_STACK_OUTPUTS=FILE says where they are; AWS_REGION and AWS_PROFILE or AWS_ACCESS_KEY_ID say whose stack it is";

/// The stack, and how to call it.
pub(crate) struct Deployed {
    target: Target,
    outputs: BTreeMap<String, String>,
    sdk: SdkConfig,
}

impl Deployed {
    /// The one that the environment of this process leads to.
    ///
    /// # Panics
    /// Where it leads to none, with what to do.
    pub(crate) async fn reach(target: Target) -> Self {
        let found = Self::find(target).await;
        found.unwrap_or_else(|reason| panic!("no Paystream on {target}: {reason}: {}", hint(target)))
    }

    async fn find(target: Target) -> Result<Self, String> {
        let file = match (std::env::var_os(OUTPUTS), target) {
            (Some(file), _) => PathBuf::from(file),
            (None, Target::LocalStack) => workspace().join("target/localstack/outputs.json"),
            (None, _) => return Err(format!("{OUTPUTS} is not set")),
        };
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let outputs = outputs_of(&text).map_err(|reason| format!("{}: {reason}", file.display()))?;
        let sdk = if target == Target::LocalStack { localstack() } else { aws_of_operator().await };
        sdk.region().ok_or("no region is set")?;
        let credentials = sdk.credentials_provider().ok_or("no credentials")?;
        credentials.provide_credentials().await.map_err(|error| format!("no credentials: {error}"))?;
        Ok(Self { target, outputs, sdk })
    }

    /// What its stack puts out under this name.
    ///
    /// # Panics
    /// Where it does not.
    pub(crate) fn output(&self, key: &str) -> &str {
        let value = self.outputs.get(key);
        value.unwrap_or_else(|| panic!("its stack has no output {key}: {}", hint(self.target)))
    }

    /// Where that path is: Payments and Orders have an API each.
    pub(crate) fn url(&self, path: &str) -> String {
        let api = if path.starts_with("/payments") { "PaymentsUrl" } else { "OrdersUrl" };
        format!("{}{path}", self.output(api).trim_end_matches('/'))
    }

    /// The path of a request as the API has it, which is behind its stage.
    pub(crate) fn path_in_api<'a>(&self, path: &'a str) -> &'a str {
        let base = |api| self.output(api).splitn(4, '/').nth(3).unwrap_or_default().trim_end_matches('/');
        let within = |api| path.strip_prefix('/')?.strip_prefix(base(api)).filter(|rest| rest.starts_with('/'));
        ["PaymentsUrl", "OrdersUrl"].into_iter().find_map(within).unwrap_or(path)
    }

    pub(crate) fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// Signs a request, as every route asks for.
    ///
    /// # Panics
    /// Where the credentials are gone.
    pub(crate) async fn sign(&self, request: &mut reqwest::Request) {
        let region = self.sdk.region().map(AsRef::as_ref).unwrap_or_default();
        let provider = self.sdk.credentials_provider().unwrap_or_else(|| panic!("no credentials"));
        let credentials = provider.provide_credentials().await.unwrap_or_else(|error| panic!("{error:?}"));
        sign_request(request, credentials, region, SystemTime::now()).unwrap_or_else(|error| panic!("{error}"));
    }

    /// What to do where it does not answer.
    pub(crate) fn hint(&self) -> &'static str {
        hint(self.target)
    }
}

fn hint(target: Target) -> &'static str {
    if target == Target::LocalStack { ON_LOCALSTACK } else { ON_AWS }
}

/// LocalStack takes any credentials; what is deployed there is in this region.
fn localstack() -> SdkConfig {
    let endpoint = std::env::var(ENDPOINT).unwrap_or_else(|_| "http://127.0.0.1:4566".to_owned());
    let credentials = Credentials::new("test", "test", None, None, "localstack");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_connection::Https::new(aws_connection::Trust::System))
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build()
}

/// The outputs of a stack by their names, from what `sam list stack-outputs --output json` prints.
pub fn outputs_of(text: &str) -> Result<BTreeMap<String, String>, String> {
    let outputs: Vec<BTreeMap<String, Value>> = serde_json::from_str(text)
        .map_err(|error| format!("not what `sam list stack-outputs --output json` prints: {error}"))?;
    let text = |output: &BTreeMap<String, Value>, name: &str| Some(output.get(name)?.as_str()?.to_owned());
    Ok(outputs.iter().filter_map(|output| Some((text(output, "OutputKey")?, text(output, "OutputValue")?))).collect())
}

/// Signs a request to an API by Signature Version 4.
pub fn sign_request(
    request: &mut reqwest::Request,
    credentials: Credentials,
    region: &str,
    time: SystemTime,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let identity = credentials.into();
    let parameters = SigningParams::builder().identity(&identity).region(region).name("execute-api").time(time);
    let parameters = parameters.settings(SigningSettings::default()).build()?.into();
    let headers = request.headers().iter().map(|(name, value)| Ok((name.as_str(), value.to_str()?)));
    let headers: Result<Vec<_>, reqwest::header::ToStrError> = headers.collect();
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let (method, url) = (request.method().as_str(), request.url().as_str());
    let signable = SignableRequest::new(method, url, headers?.into_iter(), SignableBody::Bytes(body))?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    for (name, value) in instructions.headers() {
        request.headers_mut().insert(HeaderName::from_bytes(name.as_bytes())?, value.parse()?);
    }
    Ok(())
}
