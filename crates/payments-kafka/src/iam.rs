//! Authentication to Amazon MSK by IAM: a presigned URL as the token of SASL/OAUTHBEARER.
//!
//! Source: <https://github.com/aws/aws-msk-iam-sasl-signer-go>, which AWS maintains.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use data_encoding::BASE64URL_NOPAD;

/// Validity of a token, as AWS's signers set it.
const VALID: Duration = Duration::from_mins(15);
/// Named by the token, as AWS's signers do. Not signed.
const USER_AGENT: &str = concat!("paystream/", env!("CARGO_PKG_VERSION"));

/// Returns a token that identifies the holder of `credentials` to the clusters of a region.
pub fn token(credentials: &Credentials, region: &str, now: SystemTime) -> Result<String, Box<dyn Error + Send + Sync>> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(VALID);
    let identity = credentials.clone().into();
    let parameters = SigningParams::builder().identity(&identity).region(region).name("kafka-cluster").time(now);
    let parameters = parameters.settings(settings).build()?.into();
    let mut url = format!("https://kafka.{region}.amazonaws.com/?Action=kafka-cluster%3AConnect");
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(request, &parameters)?.into_parts();
    let mut signed = form_urlencoded::Serializer::new(String::new());
    for (name, value) in instructions.params() {
        signed.append_pair(name, value);
    }
    signed.append_pair("User-Agent", USER_AGENT);
    url.push('&');
    url.push_str(&signed.finish());
    Ok(BASE64URL_NOPAD.encode(url.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signed by botocore 1.43.11 for the same credentials and time, as AWS's Python signer does
    /// (`SigV4QueryAuth(credentials, "kafka-cluster", "us-west-2", expires=900)`). In another order.
    const SIGNED: &str = "https://kafka.us-west-2.amazonaws.com/?Action=kafka-cluster%3AConnect\
        &X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=MOCK-ACCESS-KEY%2F20261122%2Fus-west-2%2Fkafka-cluster%2Faws4_request\
        &X-Amz-Date=20261122T200000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host\
        &X-Amz-Security-Token=MOCK-SESSION-TOKEN%2F%2B%3D\
        &X-Amz-Signature=32bbf15233f45be0d91caef6a6aaea0dc059e2c0ab97be80bb69b84772b0a2a8";

    #[test]
    fn a_token_is_that_of_awss_signers() {
        let token_of = Some("MOCK-SESSION-TOKEN/+=".to_owned());
        let credentials = Credentials::new("MOCK-ACCESS-KEY", "MOCK-SECRET-KEY", token_of, None, "test");
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(498_716);
        let token = token(&credentials, "us-west-2", now).unwrap();
        let url = String::from_utf8(BASE64URL_NOPAD.decode(token.as_bytes()).unwrap()).unwrap();
        let (base, query) = url.split_once('?').unwrap();
        let (expected_base, expected_query) = SIGNED.split_once('?').unwrap();
        assert_eq!(base, expected_base);
        let mut expected: Vec<_> = expected_query.split('&').collect();
        expected.push(concat!("User-Agent=paystream%2F", env!("CARGO_PKG_VERSION")));
        let mut parts: Vec<_> = query.split('&').collect();
        parts.sort_unstable();
        expected.sort_unstable();
        assert_eq!(parts, expected);
    }
}
