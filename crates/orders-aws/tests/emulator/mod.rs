//! DynamoDB on a socket of 127.0.0.1, with the tables of Orders as the template that deploys declares them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use paystream_local::{Emulators, Template};

// Where the template does not name a table, its logical id does.
pub(crate) const ORDERS_TABLE: &str = "OrdersTable";
pub(crate) const QUARANTINE_TABLE: &str = "QuarantineTable";

/// What the client's calls are counted under.
pub(crate) const CALLER: &str = "local";

/// A client of an emulator of its own, which lasts as long as the test's process.
pub(crate) async fn start() -> Client {
    client(Box::leak(Box::new(start_emulators().await)))
}

/// Emulators whose calls are counted and can be made to go wrong.
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
