//! A stack on the emulators.

use paystream_local::{Emulators, Template};
use paystream_operations::{Endpoints, Names, Resource, Stack};

/// Starts the emulators with the tables and the stream of the template. They run until the test process ends. Returns
/// their stack and a client of DynamoDB.
pub(crate) async fn stack_on_emulators() -> (Stack, aws_sdk_dynamodb::Client) {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    let template = Template::load(template.as_ref(), &[].into()).unwrap();
    let emulators = Box::leak(Box::new(Emulators::start(template).await.unwrap()));
    let dynamodb = emulators.dynamodb_url().to_owned();
    let client = aws_sdk_dynamodb::Client::new(&paystream_client::emulator(&dynamodb));
    let mut names = Names::default();
    for resource in Resource::ALL {
        names.set(resource, resource.logical_id());
    }
    let endpoints = Endpoints { dynamodb, kinesis: emulators.kinesis_url().to_owned() };
    (Stack::on_emulators(&endpoints, names), client)
}
