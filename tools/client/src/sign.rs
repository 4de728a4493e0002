//! Request signing with Signature Version 4.

use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::http::Request;
use aws_types::SdkConfig;
use telemetry::WithCauses;

#[derive(Debug, Clone, Copy)]
enum Service {
    ApiGateway,
    S3,
}

/// Signs requests for the region and with the credentials of an SDK configuration.
#[derive(Debug, Clone)]
pub struct Signer {
    config: SdkConfig,
    service: Service,
}

impl Signer {
    /// Creates a signer for APIs with IAM authorization, as a deployed stack has them.
    pub fn for_apis(config: SdkConfig) -> Self {
        Self { config, service: Service::ApiGateway }
    }

    /// Creates a signer for S3, which signs paths unnormalized and requires a header with the body's checksum.
    pub fn for_s3(config: SdkConfig) -> Self {
        Self { config, service: Service::S3 }
    }

    /// Signs a request, whose body must be in memory. The error is the reason.
    pub async fn sign(&self, request: &mut Request) -> Result<(), String> {
        self.sign_at(request, SystemTime::now()).await
    }

    async fn sign_at(&self, request: &mut Request, time: SystemTime) -> Result<(), String> {
        let provider = self.config.credentials_provider().ok_or("no AWS credentials")?;
        let credentials = provider.provide_credentials().await;
        let identity = credentials.map_err(|error| WithCauses(&error).to_string())?.into();
        let region = self.config.region().map(AsRef::as_ref).ok_or("no region: set AWS_REGION")?;
        let (name, settings) = self.service.settings();
        let parameters = SigningParams::builder().identity(&identity).region(region).name(name).time(time);
        let parameters = parameters.settings(settings).build().map_err(|error| error.to_string())?.into();
        let body = SignableBody::Bytes(request.body().bytes().ok_or("the body is not in memory")?);
        let signable = SignableRequest::new(request.method(), request.uri(), request.headers().iter(), body);
        let signable = signable.map_err(|error| WithCauses(&error).to_string())?;
        let signed = sign(signable, &parameters).map_err(|error| WithCauses(&error).to_string())?;
        for (name, value) in signed.into_parts().0.headers() {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }
}

impl Service {
    /// Returns the service's name in signatures and its signing settings.
    fn settings(self) -> (&'static str, SigningSettings) {
        let mut settings = SigningSettings::default();
        match self {
            Self::ApiGateway => ("execute-api", settings),
            Self::S3 => {
                settings.percent_encoding_mode = PercentEncodingMode::Single;
                settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
                settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
                ("s3", settings)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_smithy_types::body::SdkBody;
    use aws_types::region::Region;

    use super::*;

    const HOST: &str = "https://abc123.execute-api.eu-central-1.amazonaws.com/dev";

    fn signer(credentials: Option<Credentials>) -> Signer {
        let mut config = SdkConfig::builder().region(Region::new("eu-central-1"));
        config.set_credentials_provider(credentials.map(SharedCredentialsProvider::new));
        Signer::for_apis(config.build())
    }

    fn request(method: &str, path: &str, body: &'static str, headers: &[(&'static str, &'static str)]) -> Request {
        let mut request = Request::new(SdkBody::from(body));
        request.set_method(method).unwrap();
        request.set_uri(format!("{HOST}{path}")).unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, *value);
        }
        request
    }

    /// The expected signatures are those of botocore, the SDK for Python, for the same requests.
    #[tokio::test]
    async fn requests_are_signed_as_api_gateway_expects() {
        let headers = [("content-type", "application/json"), ("idempotency-key", "key-1")];
        let cases = [
            (
                request("POST", "/payments", r#"{"order_id":"ord-1"}"#, &headers),
                "content-type;host;idempotency-key;",
                "b0c3bfb60acdb9d74b37e605a5224e18c9bdbc5f3166720ef49fc082bf14c5fe",
            ),
            (
                request("GET", "/orders/a%20b/payments?order_id=ord-1", "", &[]),
                "host;",
                "33abd4610562a0ba32a35899ac30afaed76a9609745072aaa240d5d28c56d78d",
            ),
        ];
        let key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIDEXAMPLE", key, Some("token".to_owned()), None, "test");
        // 2026-11-23T04:30:00Z
        let time = UNIX_EPOCH + Duration::from_mins(29_923_470);
        for (mut request, headers, signature) in cases {
            signer(Some(credentials.clone())).sign_at(&mut request, time).await.unwrap();
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/eu-central-1/execute-api/aws4_request, \
                 SignedHeaders={headers}x-amz-date;x-amz-security-token, Signature={signature}"
            );
            assert_eq!(request.headers().get("authorization"), Some(expected.as_str()));
            assert_eq!(request.headers().get("x-amz-security-token"), Some("token"));
        }
    }

    #[tokio::test]
    async fn missing_credentials_are_reported() {
        let reason = signer(None).sign(&mut request("POST", "/orders", "{}", &[])).await.unwrap_err();
        assert_eq!(reason, "no AWS credentials");
    }
}
