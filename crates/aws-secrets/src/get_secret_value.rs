//! The call `GetSecretValue`, in the protocol AWS JSON 1.1.
//!
//! Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>.

use aws_connection::{Https, read_body, sign};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_types::SdkConfig;
use serde::Deserialize;
use serde_json::json;

use crate::Failure;

/// Service name of Secrets Manager in signatures.
const SERVICE: &str = "secretsmanager";
const HEADERS: [(&str, &str); 2] =
    [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "secretsmanager.GetSecretValue")];
/// Maximum size of the response in bytes. A secret has at most 65,536 bytes, and JSON escapes a byte with at most six.
const RESPONSE_BYTES_MAX: usize = 6 * 65_536 + 16_384;
/// Maximum length of a message of Secrets Manager in an error, in characters.
const MESSAGE_CHARS_MAX: usize = 300;

#[derive(Deserialize)]
struct Value {
    #[serde(rename = "SecretString")]
    text: Option<String>,
    #[serde(rename = "SecretBinary")]
    binary: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
struct Refusal {
    /// May be prefixed by a namespace and `#`.
    #[serde(rename = "__type", default)]
    code: String,
    #[serde(rename = "message", alias = "Message", default)]
    message: String,
}

/// Makes one call. Returns the text of the current version of the secret. The caller sets a time limit.
pub(crate) async fn call(aws: &SdkConfig, https: &Https, url: &str, arn: &str) -> Result<String, Failure> {
    let body = json!({"SecretId": arn}).to_string().into_bytes();
    let request = sign(aws, SERVICE, ("POST", url), &HEADERS, body).await?;
    let failed = |error| Failure::Connection { url: url.to_owned(), error };
    let response = https.call(request).await.map_err(failed)?;
    let status = response.status().as_u16();
    let body = read_body(response.into_body(), RESPONSE_BYTES_MAX).await?;
    if status == 200 { text(&body) } else { Err(refused(status, &body)) }
}

fn text(body: &[u8]) -> Result<String, Failure> {
    let value: Value = serde_json::from_slice(body).map_err(|_quotes_values| Failure::NotSecretsManager)?;
    match value {
        Value { text: Some(text), .. } => Ok(text),
        Value { binary: Some(_), .. } => Err(Failure::Binary),
        Value { .. } => Err(Failure::NotSecretsManager),
    }
}

fn refused(status: u16, body: &[u8]) -> Failure {
    let Refusal { code, message } = serde_json::from_slice(body).unwrap_or_default();
    let code = code.rsplit('#').next().filter(|code| !code.is_empty()).unwrap_or("without a code").to_owned();
    Failure::Refused { status, code, message: message.chars().take(MESSAGE_CHARS_MAX).collect() }
}
