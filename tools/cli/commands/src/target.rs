//! Which Paystream a command is about: the local environment, or a stack on AWS, and what its parts are called there.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use paystream_client::{Answer, ApiError, Client, Request};
use paystream_local::Status;
use paystream_operations::{Endpoints, Names, Resource, Stack};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Where `paystream up` is unless it is told otherwise.
const LOCAL_URL: &str = "http://127.0.0.1:3000";

/// The flags of every command that operates a stack.
#[derive(Debug, Clone, Args)]
pub(crate) struct OperatingArguments {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) target: TargetArguments,
}

/// The flags that say where. Without any, it is the local environment on its usual port.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where")]
pub(crate) struct TargetArguments {
    /// The local environment [default: that on port 3000]
    #[arg(long, value_name = "URL", conflicts_with = "stack_outputs")]
    url: Option<String>,
    /// A deployed stack: what `sam list stack-outputs --output json` printed; - reads it from standard input
    #[arg(long, value_name = "FILE")]
    stack_outputs: Option<PathBuf>,
    /// The name of Payments' table, on AWS
    #[arg(long, value_name = "NAME")]
    payments_table: Option<String>,
    /// The name of Orders' table, on AWS
    #[arg(long, value_name = "NAME")]
    orders_table: Option<String>,
    /// The name of the quarantine table, on AWS
    #[arg(long, value_name = "NAME")]
    quarantine_table: Option<String>,
    /// The name of the payment stream, on AWS
    #[arg(long, value_name = "NAME")]
    payment_stream: Option<String>,
    /// The name of the failures bucket, on AWS
    #[arg(long, value_name = "NAME")]
    failures_bucket: Option<String>,
}

/// Why it is not known where.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error(
        "no local environment answers at {url} ({reason}): start it with `cargo run`, say where it is with --url, or name a \
         deployed stack with --stack-outputs FILE (from `sam list stack-outputs --output json`) or with --payments-table \
         and its like"
    )]
    NoAnswer { url: String, reason: String },
    #[error("{url} is no local environment of Paystream: {reason}")]
    NotLocal { url: String, reason: String },
    #[error("cannot read the stack outputs in {}: {reason}", path.display())]
    Outputs { path: PathBuf, reason: String },
}

/// A stack, and where the local environment is, where it is one.
pub(crate) struct Target {
    pub(crate) stack: Stack,
    pub(crate) local: Option<Local>,
}

impl TargetArguments {
    /// Finds it.
    pub(crate) async fn resolve(&self) -> Result<Target, TargetError> {
        let given = self.given();
        if let Some(path) = &self.stack_outputs {
            let names = outputs(path).map_err(|reason| TargetError::Outputs { path: path.clone(), reason })?;
            return Ok(Target { stack: Stack::on_aws(merged(names, given)).await, local: None });
        }
        if self.url.is_none() && !given.is_empty() {
            return Ok(Target { stack: Stack::on_aws(merged(Names::default(), given)).await, local: None });
        }
        let local = Local::new(self.url.as_deref().unwrap_or(LOCAL_URL));
        let status: Status = local.get("/_local/status").await?;
        let endpoints = Endpoints { dynamodb: status.dynamodb_url.clone(), kinesis: status.kinesis_url.clone() };
        let stack = Stack::on_emulators(&endpoints, merged(names(&status), given));
        Ok(Target { stack, local: Some(local) })
    }

    /// The names that flags tell.
    fn given(&self) -> Vec<(Resource, String)> {
        let flag = |resource| match resource {
            Resource::PaymentsTable => &self.payments_table,
            Resource::OrdersTable => &self.orders_table,
            Resource::QuarantineTable => &self.quarantine_table,
            Resource::PaymentStream => &self.payment_stream,
            Resource::FailuresBucket => &self.failures_bucket,
        };
        Resource::ALL.into_iter().filter_map(|resource| Some((resource, flag(resource).clone()?))).collect()
    }
}

/// The flag that tells the name of a resource.
pub(crate) fn flag_of(resource: Resource) -> &'static str {
    match resource {
        Resource::PaymentsTable => "--payments-table",
        Resource::OrdersTable => "--orders-table",
        Resource::QuarantineTable => "--quarantine-table",
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

/// The value of an output of a stack, such as the URL of an API.
pub(crate) fn output(path: &Path, key: &str) -> Result<Option<String>, TargetError> {
    let outputs = read(path).and_then(|text| parsed(&text));
    let outputs = outputs.map_err(|reason| TargetError::Outputs { path: path.to_owned(), reason })?;
    Ok(outputs.into_iter().find(|output| output.output_key == key).map(|output| output.output_value))
}

fn outputs(path: &Path) -> Result<Names, String> {
    names_of(&read(path)?)
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
        format!("{error}: it should be the array of OutputKey and OutputValue that `sam list stack-outputs --output json` prints")
    })
}

/// The names in what `sam list stack-outputs --output json` prints.
fn names_of(text: &str) -> Result<Names, String> {
    let mut names = Names::default();
    for output in parsed(text)? {
        if let Some(resource) = Resource::ALL.into_iter().find(|known| known.logical_id() == output.output_key) {
            names.set(resource, output.output_value);
        }
    }
    Ok(names)
}

/// The local environment's own routes.
pub(crate) struct Local {
    url: String,
    client: Client,
}

impl Local {
    fn new(url: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self { client: Client::new(paystream_client::Target::local(&url)), url }
    }

    /// `GET path`, which answers with JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, TargetError> {
        let not_local = |reason| TargetError::NotLocal { url: self.url.clone(), reason };
        let answer = self.client.send_once(&Request::get(path)).await.and_then(Answer::read);
        answer.map_err(|error| match error {
            ApiError::Status { status, .. } => not_local(format!("{path} answers {status}")),
            ApiError::Garbled(reason) => not_local(format!("{path} answers with something else: {reason}")),
            error => TargetError::NoAnswer { url: self.url.clone(), reason: error.to_string() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_the_outputs_of_a_stack_and_flags_win() {
        let text = r#"[{"OutputKey": "PaymentsTable", "OutputValue": "dev-PaymentsTable-1X", "Description": "…"},
            {"OutputKey": "PaymentsUrl", "OutputValue": "https://x"}, {"OutputKey": "OrdersTable", "OutputValue": "o"}]"#;
        let arguments = TargetArguments { orders_table: Some("mine".to_owned()), ..TargetArguments::default() };
        let names = merged(names_of(text).unwrap(), arguments.given());
        assert_eq!(names.get(Resource::PaymentsTable), Some("dev-PaymentsTable-1X"));
        assert_eq!(names.get(Resource::OrdersTable), Some("mine"));
        assert_eq!(names.get(Resource::PaymentStream), None);
    }

    #[test]
    fn what_are_no_outputs_is_said_to_be_none() {
        let error = names_of(r#"{"Stacks": []}"#).unwrap_err();
        assert!(error.contains("sam list stack-outputs"), "{error}");
    }

    #[test]
    fn every_name_has_its_flag_and_its_output_in_the_template() {
        let template = include_str!("../../../../template.yaml");
        let (_, outputs) = template.split_once("\nOutputs:\n").unwrap();
        let mut command = TargetArguments::augment_args(clap::Command::new("test"));
        let help = command.render_help().to_string();
        for resource in Resource::ALL {
            assert!(help.contains(flag_of(resource)), "no flag {}", flag_of(resource));
            let output = format!("  {resource}:\n");
            let (_, behind) = outputs.split_once(&output).unwrap_or_else(|| panic!("no output {resource}"));
            let value = behind.lines().take(2).any(|line| line.trim() == format!("Value: !Ref {resource}"));
            assert!(value, "output {resource} has another value");
        }
    }
}
