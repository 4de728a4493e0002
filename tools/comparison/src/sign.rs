//! Signing requests of APIs that ask for IAM authorization, as those of a deployed stack do.

use std::time::SystemTime;

use aws_sdk_kinesis::config::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::http::Request;
use aws_types::SdkConfig;

/// What API Gateway signs its requests for.
const SERVICE: &str = "execute-api";

/// Signs with the credentials and for the region of whoever runs it.
#[derive(Debug, Clone)]
pub struct Signer {
    config: SdkConfig,
}

impl Signer {
    /// With the credentials and for the region of `config`.
    pub fn new(config: SdkConfig) -> Self {
        Self { config }
    }

    /// Signs a request whose body is this.
    pub(crate) async fn sign(&self, request: &mut Request, body: &[u8]) -> Result<(), String> {
        let provider = self.config.credentials_provider().ok_or("there are no AWS credentials")?;
        let identity = provider.provide_credentials().await.map_err(|error| error.to_string())?.into();
        let region = self.config.region().map(AsRef::as_ref).ok_or("no region is set; AWS_REGION says which")?;
        let parameters = SigningParams::builder().identity(&identity).region(region).name(SERVICE);
        let parameters = parameters.time(SystemTime::now()).settings(SigningSettings::default());
        let parameters = parameters.build().map_err(|error| error.to_string())?.into();
        let headers = request.headers().iter();
        let signable = SignableRequest::new(request.method(), request.uri(), headers, SignableBody::Bytes(body));
        let signable = signable.map_err(|error| error.to_string())?;
        let (instructions, _) = sign(signable, &parameters).map_err(|error| error.to_string())?.into_parts();
        for (name, value) in instructions.headers() {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::config::{BehaviorVersion, Region};
    use aws_sdk_kinesis::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn signer(credentials: Option<Credentials>) -> Signer {
        let mut config =
            SdkConfig::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("eu-west-1"));
        config.set_credentials_provider(credentials.map(SharedCredentialsProvider::new));
        Signer { config: config.build() }
    }

    fn request() -> Request {
        let mut request = Request::new(SdkBody::from("{}"));
        request.set_uri("https://a1b2.execute-api.eu-west-1.amazonaws.com/dev/orders").unwrap();
        request.headers_mut().insert("idempotency-key", "first-1");
        request
    }

    #[tokio::test]
    async fn a_request_is_signed_for_the_api_with_its_host_its_key_and_the_session() {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("session".to_owned()), None, "test");
        let mut request = request();
        signer(Some(credentials)).sign(&mut request, b"{}").await.unwrap();
        let authorization = request.headers().get("authorization").unwrap();
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
        assert!(authorization.contains("/eu-west-1/execute-api/aws4_request, "), "{authorization}");
        let signed = "SignedHeaders=host;idempotency-key;x-amz-date;x-amz-security-token";
        assert!(authorization.contains(signed), "{authorization}");
        assert_eq!(request.headers().get("x-amz-security-token"), Some("session"));
    }

    #[tokio::test]
    async fn that_there_are_no_credentials_is_said() {
        let reason = signer(None).sign(&mut request(), b"{}").await.unwrap_err();
        assert_eq!(reason, "there are no AWS credentials");
    }
}
