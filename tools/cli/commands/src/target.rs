//! Target of a command: the local environment or a stack on AWS, and its resource names.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use paystream_client::{Answer, ApiError, Client, Request};
use paystream_local::Status;
use paystream_operations::{Endpoints, HubAccess, Names, Resource, Stack};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Default URL of `paystream up`.
const LOCAL_URL: &str = "http://127.0.0.1:3000";

/// Flags of every command that operates a stack.
#[derive(Debug, Clone, Args)]
pub(crate) struct OperatingArguments {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) target: TargetArguments,
}

/// Flags that select the target. The default is the local environment on port 3000.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "ResolvedTarget")]
pub(crate) struct TargetArguments {
    #[arg(long, value_name = "URL", help = "URL of the local environment [default: http://127.0.0.1:3000]")]
    #[arg(conflicts_with = "stack_outputs")]
    url: Option<String>,
    /// Outputs of a deployed stack, from `sam list stack-outputs --output json`; - reads standard input
    #[arg(long, value_name = "FILE")]
    stack_outputs: Option<PathBuf>,
    /// Name of the payments table, on AWS
    #[arg(long, value_name = "NAME")]
    payments_table: Option<String>,
    /// Name of the orders table, on AWS
    #[arg(long, value_name = "NAME")]
    orders_table: Option<String>,
    /// Name of Orders' quarantine table, on AWS
    #[arg(long, value_name = "NAME")]
    quarantine_table: Option<String>,
    /// Name of Payments' quarantine table, on AWS
    #[arg(long, value_name = "NAME")]
    payments_quarantine_table: Option<String>,
    /// Name of the payment stream, on AWS
    #[arg(long, value_name = "NAME")]
    payment_stream: Option<String>,
    /// Name of the failures bucket, on AWS
    #[arg(long, value_name = "NAME")]
    failures_bucket: Option<String>,
}

/// Flags of commands that publish to the hub.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct HubArguments {
    /// Address of Kafka or RabbitMQ from this machine, instead of the one in the stack outputs
    #[arg(long, value_name = "HOST:PORT")]
    hub_url: Option<String>,
}

impl HubArguments {
    /// Returns the stack of the target, with the connection to its hub.
    pub(crate) fn stack_of(&self, target: &ResolvedTarget) -> Stack {
        target.stack.clone().with_hub(HubAccess {
            outputs: target.outputs.clone(),
            address: self.hub_url.clone(),
            secrets_manager_url: target.status.as_ref().map(|status| status.secrets_manager_url.clone()),
        })
    }
}

/// Error of finding the target.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error(
        "no local environment at {url} ({reason}): start it with `cargo run`, give its URL with --url, or name a deployed \
         stack with --stack-outputs FILE (from `sam list stack-outputs --output json`) or with --payments-table and the \
         other name flags"
    )]
    NoAnswer { url: String, reason: String },
    #[error("{url} is not a local environment of Paystream: {reason}")]
    NotLocal { url: String, reason: String },
    #[error("cannot read the stack outputs in {}: {reason}", path.display())]
    Outputs { path: PathBuf, reason: String },
}

/// A stack, with the local environment's routes if it is local.
pub(crate) struct ResolvedTarget {
    pub(crate) stack: Stack,
    pub(crate) local: Option<Local>,
    /// Outputs of the stack or of the local environment's template, by key; empty if only names are given.
    pub(crate) outputs: BTreeMap<String, String>,
    /// Status of the local environment.
    pub(crate) status: Option<Status>,
}

impl TargetArguments {
    /// Finds the target and its resource names.
    pub(crate) async fn resolve(&self) -> Result<ResolvedTarget, TargetError> {
        let given = self.given();
        if let Some(path) = &self.stack_outputs {
            let outputs = read(path).and_then(|text| outputs(&text));
            let outputs = outputs.map_err(|reason| TargetError::Outputs { path: path.clone(), reason })?;
            let stack = Stack::on_aws(merged(names_of(&outputs), given)).await;
            return Ok(ResolvedTarget { stack, local: None, outputs, status: None });
        }
        if self.url.is_none() && !given.is_empty() {
            let stack = Stack::on_aws(merged(Names::default(), given)).await;
            return Ok(ResolvedTarget { stack, local: None, outputs: BTreeMap::new(), status: None });
        }
        let local = Local::new(self.url.as_deref().unwrap_or(LOCAL_URL));
        let status: Status = local.get("/_local/status").await?;
        let endpoints = Endpoints { dynamodb: status.dynamodb_url.clone(), kinesis: status.kinesis_url.clone() };
        let stack = Stack::on_emulators(&endpoints, merged(names(&status), given));
        Ok(ResolvedTarget { stack, local: Some(local), outputs: status.outputs.clone(), status: Some(status) })
    }

    /// Returns the resource names given by flags.
    fn given(&self) -> Vec<(Resource, String)> {
        let flag = |resource| match resource {
            Resource::PaymentsTable => &self.payments_table,
            Resource::OrdersTable => &self.orders_table,
            Resource::QuarantineTable => &self.quarantine_table,
            Resource::PaymentsQuarantineTable => &self.payments_quarantine_table,
            Resource::PaymentStream => &self.payment_stream,
            Resource::FailuresBucket => &self.failures_bucket,
        };
        Resource::ALL.into_iter().filter_map(|resource| Some((resource, flag(resource).clone()?))).collect()
    }
}

/// Returns the flag with the name of a resource.
pub(crate) fn flag_of(resource: Resource) -> &'static str {
    match resource {
        Resource::PaymentsTable => "--payments-table",
        Resource::OrdersTable => "--orders-table",
        Resource::QuarantineTable => "--quarantine-table",
        Resource::PaymentsQuarantineTable => "--payments-quarantine-table",
        Resource::PaymentStream => "--payment-stream",
        Resource::FailuresBucket => "--failures-bucket",
    }
}

fn merged(mut names: Names, given: Vec<(Resource, String)>) -> Names {
    for (resource, name) in given {
        names.set(resource, name);
    }
    names
}

fn names(status: &Status) -> Names {
    let mut names = Names::default();
    for resource in Resource::ALL {
        let table = status.tables.get(resource.logical_id()).map(|table| &table.name);
        let stream = status.streams.get(resource.logical_id()).map(|stream| &stream.name);
        if let Some(name) = table.or(stream) {
            names.set(resource, name);
        }
    }
    names
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    output_key: String,
    output_value: String,
}

/// Returns the value of a stack output, such as the URL of an API.
pub(crate) fn output(path: &Path, key: &str) -> Result<Option<String>, TargetError> {
    let outputs = read(path).and_then(|text| parsed(&text));
    let outputs = outputs.map_err(|reason| TargetError::Outputs { path: path.to_owned(), reason })?;
    Ok(outputs.into_iter().find(|output| output.output_key == key).map(|output| output.output_value))
}

fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text).map(|_| ()),
        _ => std::fs::read_to_string(path).map(|read| text = read),
    };
    read.map_err(|error| error.to_string())?;
    Ok(text)
}

fn parsed(text: &str) -> Result<Vec<Output>, String> {
    serde_json::from_str(text).map_err(|error| {
        format!("{error}: expected the array of OutputKey and OutputValue that `sam list stack-outputs --output json` prints")
    })
}

/// Returns the outputs that `sam list stack-outputs --output json` printed, by key.
fn outputs(text: &str) -> Result<BTreeMap<String, String>, String> {
    Ok(parsed(text)?.into_iter().map(|output| (output.output_key, output.output_value)).collect())
}

fn names_of(outputs: &BTreeMap<String, String>) -> Names {
    let mut names = Names::default();
    for resource in Resource::ALL {
        if let Some(name) = outputs.get(resource.logical_id()) {
            names.set(resource, name);
        }
    }
    names
}

/// Client of the local environment's `/_local` routes.
pub(crate) struct Local {
    url: String,
    client: Client,
}

impl Local {
    fn new(url: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self { client: Client::new(paystream_client::Target::local(&url)), url }
    }

    /// Returns the client, for operations on the environment's own lists.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Sends `GET path` and decodes the JSON response.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, TargetError> {
        let not_local = |reason| TargetError::NotLocal { url: self.url.clone(), reason };
        let answer = self.client.send_once(&Request::get(path)).await.and_then(Answer::read);
        answer.map_err(|error| match error {
            ApiError::Status { status, .. } => not_local(format!("{path} returned {status}")),
            ApiError::Garbled(reason) => not_local(format!("{path} returned an unexpected response: {reason}")),
            error => TargetError::NoAnswer { url: self.url.clone(), reason: error.to_string() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_override_the_names_in_stack_outputs() {
        let text = r#"[{"OutputKey": "PaymentsTable", "OutputValue": "dev-PaymentsTable-1X", "Description": "…"},
            {"OutputKey": "PaymentsUrl", "OutputValue": "https://x"}, {"OutputKey": "OrdersTable", "OutputValue": "o"}]"#;
        let arguments = TargetArguments { orders_table: Some("mine".to_owned()), ..TargetArguments::default() };
        let names = merged(names_of(&outputs(text).unwrap()), arguments.given());
        assert_eq!(names.get(Resource::PaymentsTable), Some("dev-PaymentsTable-1X"));
        assert_eq!(names.get(Resource::OrdersTable), Some("mine"));
        assert_eq!(names.get(Resource::PaymentStream), None);
    }

    #[test]
    fn text_that_is_not_stack_outputs_is_an_error() {
        let error = outputs(r#"{"Stacks": []}"#).unwrap_err();
        assert!(error.contains("sam list stack-outputs"), "{error}");
    }

    #[test]
    fn every_resource_has_a_flag_and_an_output_in_the_template() {
        let template = include_str!("../../../../template.yaml");
        let (_, outputs) = template.split_once("\nOutputs:\n").unwrap();
        let mut command = TargetArguments::augment_args(clap::Command::new("test"));
        let help = command.render_help().to_string();
        for resource in Resource::ALL {
            assert!(help.contains(flag_of(resource)), "no flag {}", flag_of(resource));
            let output = format!("  {resource}:\n");
            let (_, behind) = outputs.split_once(&output).unwrap_or_else(|| panic!("no output {resource}"));
            let value = behind.lines().take(3).any(|line| line.trim() == format!("Value: !Ref {resource}"));
            assert!(value, "output {resource} has another value");
        }
    }
}
