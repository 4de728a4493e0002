//! DynamoDB on a socket of 127.0.0.1, with the two tables of Orders as the template has them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType as Type,
};
use tokio::net::TcpListener;

pub(crate) const ORDERS_TABLE: &str = "orders-table";
pub(crate) const QUARANTINE_TABLE: &str = "quarantine-table";

/// A client of an emulator of its own, which lasts as long as the test's runtime.
pub(crate) async fn start() -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap()));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let client = Client::from_conf(config);
    create_table(&client, ORDERS_TABLE, ("order_id", Type::S), ("item", Type::S)).await;
    create_table(&client, QUARANTINE_TABLE, ("record", Type::S), ("part", Type::N)).await;
    client
}

async fn create_table(client: &Client, name: &str, hash: (&str, Type), range: (&str, Type)) {
    let mut create = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for ((attribute, of), key) in [(hash, KeyType::Hash), (range, KeyType::Range)] {
        let definition = AttributeDefinition::builder().attribute_name(attribute).attribute_type(of).build().unwrap();
        let key = KeySchemaElement::builder().attribute_name(attribute).key_type(key).build().unwrap();
        create = create.attribute_definitions(definition).key_schema(key);
    }
    create.send().await.unwrap();
}
