//! DynamoDB emulator on a local socket, with the tables that `template.yaml` declares.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use paystream_local::{Emulators, Template};

// The template sets no table names, so the logical id is the name.
pub(crate) const ORDERS_TABLE: &str = "OrdersTable";

/// Caller under which the emulator counts the client's calls.
pub(crate) const CALLER: &str = "local";

/// Starts an emulator that lives as long as the test process, and returns a client for it.
pub(crate) async fn start() -> Client {
    client(Box::leak(Box::new(start_emulators().await)))
}

/// Starts emulators, for counting calls and injecting faults.
pub(crate) async fn start_emulators() -> Emulators {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    let template = Template::load(template.as_ref(), &[].into()).unwrap();
    Emulators::start(template).await.unwrap()
}

pub(crate) fn client(emulators: &Emulators) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(CALLER, "local", None, None, "test"))
        .endpoint_url(emulators.dynamodb_url())
        .http_client(aws_connection::Https::new(aws_connection::Trust::System))
        .build();
    Client::from_conf(config)
}
