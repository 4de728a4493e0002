//! Example function: responds to every request with its method, target and caller.

use api_gateway::Identity;
use axum::http::{Method, Uri};
use axum::{Extension, Router};
use telemetry::LogLevel;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), api_gateway::Error> {
    telemetry::init_logs(LogLevel::INFO);
    api_gateway::run(Router::new().fallback(echo)).await
}

async fn echo(method: Method, uri: Uri, identity: Option<Extension<Identity>>) -> String {
    if identity.is_none() {
        tracing::warn!("served a request without an identity");
    }
    format!("{method} {uri} by {:?}", identity.as_ref().map(|identity| identity.name()))
}
