//! Signing requests of APIs that ask for IAM authorization, as those of a deployed stack do.

use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_sdk_kinesis::config::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::http::Request;

/// What API Gateway signs its requests for.
const SERVICE: &str = "execute-api";

/// Signs with the credentials and for the region of the process's environment.
#[derive(Debug, Clone)]
pub struct Signer {
    config: SdkConfig,
}

impl Signer {
    /// What the process's environment leads to.
    pub async fn from_environment() -> Self {
        Self { config: aws_connection::shared_config().await }
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
