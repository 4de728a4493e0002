//! Request to the Payments API, signed with Signature Version 4 for `execute-api`, as IAM authorization in API Gateway
//! requires.
//!
//! Every request is signed. An API without authorization ignores the signature, and the caller can still be identified.

use std::error::Error;
use std::time::SystemTime;

use aws_sdk_dynamodb::config::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;

/// Service name of API Gateway in signatures.
const SERVICE: &str = "execute-api";

/// Builds `GET uri`, signed with the credentials and for the region of `aws`.
pub(super) async fn signed(aws: &SdkConfig, uri: &str) -> Result<Request, Box<dyn Error + Send + Sync>> {
    let provider = aws.credentials_provider().ok_or("no credentials provider is configured")?;
    let identity = provider.provide_credentials().await?.into();
    let region = aws.region().map(AsRef::as_ref).ok_or("no region is set; set AWS_REGION")?;
    let parameters = SigningParams::builder().identity(&identity).region(region).name(SERVICE);
    let parameters = parameters.time(SystemTime::now()).settings(SigningSettings::default()).build()?.into();
    let signable = SignableRequest::new("GET", uri, std::iter::empty(), SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let mut request = Request::new(SdkBody::empty());
    request.set_uri(uri)?;
    for (name, value) in instructions.headers() {
        request.headers_mut().insert(name.to_owned(), value.to_owned());
    }
    Ok(request)
}
