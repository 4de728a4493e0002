//! AWS clients, configured as in the functions.

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

/// Shared configuration of all clients.
pub(crate) fn shared_config() -> Result<SdkConfig, InvalidEnvironment> {
    Ok(Aws::from_environment(Variables::of_process())?.config().clone())
}

/// The same configuration with an HTTP client that sends nothing: calls are only serialised and signed.
pub(crate) fn unsent(shared: &SdkConfig) -> SdkConfig {
    let connector = |_: &HttpConnectorSettings, _: &RuntimeComponents| SharedHttpConnector::new(Unsent);
    shared.to_builder().http_client(http_client_fn(connector)).build()
}

/// Responds to every call with success, without sending it.
#[derive(Debug)]
struct Unsent;

impl HttpConnector for Unsent {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let response = http::Response::new(SdkBody::from("{}"));
        HttpConnectorFuture::ready(
            HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None)),
        )
    }
}
