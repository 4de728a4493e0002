//! Settings of mappings and functions, from Lambda's API: two signed requests, without the weight of an SDK client.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_connection::{Https, Trust, sign};
use paystream_client::{Bounds, Pace, exchange};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use telemetry::WithCauses;

use super::MappingFacts;

/// Bounds on one response.
const BOUNDS: Bounds = Bounds { answer_max: Duration::from_secs(10), answer_bytes_max: 1024 * 1024 };
/// Attempts per request on transient errors.
const ATTEMPTS: Pace = Pace::times(4, Duration::from_millis(100)).doubling(Duration::from_secs(1));

/// Characters of ids and names that need no escape.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Read access to Lambda's API.
#[derive(Debug)]
pub struct LambdaApi {
    config: SdkConfig,
    https: Https,
    base: String,
}

/// A failed request, with the reason.
enum Failure {
    /// A retry may succeed.
    Transient(String),
    Permanent(String),
}

impl LambdaApi {
    /// Opens the API of the configuration's region. `AWS_ENDPOINT_URL_LAMBDA` and `AWS_ENDPOINT_URL` override the
    /// endpoint, as they do for the SDK. The error is the reason.
    pub fn new(config: &SdkConfig) -> Result<Self, String> {
        let given =
            ["AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"].into_iter().find_map(|name| std::env::var(name).ok());
        let region = config.region().ok_or("no region is set: set AWS_REGION")?.as_ref();
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let base = given.unwrap_or_else(|| format!("https://lambda.{region}.amazonaws.com{suffix}"));
        Ok(Self::at(config, &base))
    }

    /// Opens the API at a base URL.
    pub fn at(config: &SdkConfig, base: &str) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { config: config.clone(), https: Https::new(Trust::System), base }
    }

    /// Returns the settings of a mapping; `None` if it does not exist. The error is the reason.
    pub async fn mapping(&self, uuid: &str) -> Result<Option<MappingFacts>, String> {
        let uuid = utf8_percent_encode(uuid, UNRESERVED);
        Ok(self.get(&format!("/2015-03-31/event-source-mappings/{uuid}")).await?.map(MappingFacts))
    }

    /// Returns the environment variables of a mapping's function; `None` if the function does not exist. The error is the
    /// reason.
    pub async fn variables(&self, mapping: &MappingFacts) -> Result<Option<BTreeMap<String, String>>, String> {
        let arn = mapping.0.get("FunctionArn").and_then(Value::as_str).unwrap_or_default();
        let name = arn.split(':').nth(6).ok_or_else(|| format!("unexpected FunctionArn {arn:?}"))?;
        let name = utf8_percent_encode(name, UNRESERVED);
        let Some(configuration) = self.get(&format!("/2015-03-31/functions/{name}/configuration")).await? else {
            return Ok(None);
        };
        let variables = configuration.pointer("/Environment/Variables").and_then(Value::as_object);
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        Ok(Some(variables.into_iter().flatten().filter_map(text).collect()))
    }

    /// Sends a `GET`, with retries on transient errors. `None` means status 404.
    async fn get(&self, path: &str) -> Result<Option<Value>, String> {
        let is_last = |answer: &Result<_, Failure>| !matches!(answer, Err(Failure::Transient(_)));
        let answer = ATTEMPTS.until(async || self.try_get(path).await, is_last).await;
        answer.map_err(|(Failure::Transient(reason) | Failure::Permanent(reason))| reason)
    }

    async fn try_get(&self, path: &str) -> Result<Option<Value>, Failure> {
        let url = format!("{}{path}", self.base);
        let request = sign(&self.config, "lambda", ("GET", &url), &[], Vec::new()).await;
        let request = request.map_err(|error| Failure::Permanent(WithCauses(&error).to_string()))?;
        let answer = exchange(&self.https, request, BOUNDS).await;
        let answer = answer.map_err(|error| Failure::Transient(format!("{}: {error}", self.base)))?;
        match answer.status().as_u16() {
            200 => {
                let value = serde_json::from_slice(answer.body());
                value.map(Some).map_err(|error| Failure::Permanent(format!("{url} returned no JSON: {error}")))
            }
            404 => Ok(None),
            status @ (429 | 500..) => Err(Failure::Transient(error_of(status, answer.body()))),
            status => Err(Failure::Permanent(error_of(status, answer.body()))),
        }
    }
}

/// Error message of a failed request, from Lambda's JSON body if it has one.
fn error_of(status: u16, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = body.get("Message").or_else(|| body.get("message")).and_then(Value::as_str);
    message.map_or_else(|| format!("Lambda returned status {status}"), |message| format!("Lambda: {message}"))
}
