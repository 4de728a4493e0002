//! Errors before the environment starts.

use paystream_local::{Environment, Functions, Options, StartError};

use crate::harness::{Probe, functions, options};

async fn refusal(options: Options, functions: &Functions) -> StartError {
    match Environment::start(options, functions).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_port_in_use_is_reported() {
    let probe = Probe::start().await;
    let port = probe.environment.url().rsplit(':').next().unwrap().parse().unwrap();
    let error = refusal(Options { port, ..options(probe.directory(), &[]) }, &functions()).await;
    assert_eq!(
        error.to_string(),
        format!("port {port} is in use: choose another with --port, or --port 0 for a free one")
    );
}

#[tokio::test]
async fn a_data_directory_belongs_to_one_environment() {
    let directory = tempfile::tempdir().unwrap();
    let data = Some(directory.path().join("data"));
    let with_data = Options { data: data.clone(), ..options(directory.path(), &[]) };
    let probe = Probe::start_in(directory, with_data).await;
    let error = refusal(Options { data, ..options(probe.directory(), &[]) }, &functions()).await;
    assert!(matches!(error, StartError::DataInUse(_)), "{error}");
}

#[tokio::test]
async fn a_function_without_a_binary_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let error = refusal(options(directory.path(), &[]), &Functions::default()).await;
    assert_eq!(error.to_string(), "function Answering has no binary: build package probe-function first");
}

#[tokio::test]
async fn a_resource_that_an_emulator_rejects_is_reported_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let template = directory.path().join("template.yaml");
    let source = "Resources:\n  OrdersTable:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      \
                  AttributeDefinitions: [{ AttributeName: a, AttributeType: S }]\n      KeySchema: [{ AttributeName: b, KeyType: HASH }]\n";
    std::fs::write(&template, source).unwrap();
    let error = refusal(Options { template: template.clone(), ..Options::default() }, &Functions::default()).await;
    let expected = format!("{}:2: resource OrdersTable: CreateTable: ", template.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
}
