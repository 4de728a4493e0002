//! Requests signed with Signature Version 4, for calls without an AWS client.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::error::Error;
use std::time::SystemTime;

use aws_sdk_dynamodb::config::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as instructions};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;

/// A request could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the request could not be signed")]
pub struct SignError(#[source] Box<dyn Error + Send + Sync>);

/// Builds a request to `uri` and signs it for `service`, with the credentials and for the region of `aws`. `headers`
/// are signed with it.
pub async fn sign(
    aws: &SdkConfig,
    service: &str,
    (method, uri): (&str, &str),
    headers: &[(&'static str, &'static str)],
    body: Vec<u8>,
) -> Result<HttpRequest, SignError> {
    try_sign(aws, service, (method, uri), headers, body).await.map_err(SignError)
}

async fn try_sign(
    aws: &SdkConfig,
    service: &str,
    (method, uri): (&str, &str),
    headers: &[(&'static str, &'static str)],
    body: Vec<u8>,
) -> Result<HttpRequest, Box<dyn Error + Send + Sync>> {
    let provider = aws.credentials_provider().ok_or("no credentials provider is configured")?;
    let identity = provider.provide_credentials().await?.into();
    let region = aws.region().map(AsRef::as_ref).ok_or("no region is set; set AWS_REGION")?;
    let parameters = SigningParams::builder().identity(&identity).region(region).name(service);
    let parameters = parameters.time(SystemTime::now()).settings(SigningSettings::default()).build()?.into();
    let signable = SignableRequest::new(method, uri, headers.iter().copied(), SignableBody::Bytes(&body))?;
    let (instructions, _) = instructions(signable, &parameters)?.into_parts();
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method(method)?;
    request.set_uri(uri)?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, *value);
    }
    for (name, value) in instructions.headers() {
        request.headers_mut().insert(name.to_owned(), value.to_owned());
    }
    Ok(request)
}
