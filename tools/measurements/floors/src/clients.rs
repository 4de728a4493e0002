//! The clients, made as the functions make theirs.

use aws_connection::Aws;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use telemetry::{InvalidEnvironment, Variables};

pub(crate) use aws_connection::dynamodb;
pub(crate) use payments_aws::{kinesis_hot_path, kinesis_relay};

/// What the clients start from.
pub(crate) fn shared_config() -> Result<SdkConfig, InvalidEnvironment> {
    Ok(Aws::from_environment(Variables::of_process())?.config().clone())
}

/// The same, with clients whose calls are signed and serialised, and answered by nobody.
pub(crate) fn unsent(shared: &SdkConfig) -> SdkConfig {
    let connector = |_: &HttpConnectorSettings, _: &RuntimeComponents| SharedHttpConnector::new(Nobody);
    shared.to_builder().http_client(http_client_fn(connector)).build()
}

/// Takes every call for done.
#[derive(Debug)]
struct Nobody;

impl HttpConnector for Nobody {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let answer = http::Response::new(SdkBody::from("{}"));
        HttpConnectorFuture::ready(
            HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None)),
        )
    }
}
