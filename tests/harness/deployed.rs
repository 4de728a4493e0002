//! A stack deployed on LocalStack or AWS, located by its outputs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_sdk_dynamodb::config::ProvideCredentials;
use aws_types::SdkConfig;
use paystream_client::{Signer, emulator};
use paystream_operations::aws_of_operator;
use serde_json::Value;

use crate::{TestTarget, workspace};

/// Variable with the path of the file of stack outputs.
const OUTPUTS: &str = "PAYSTREAM_STACK_OUTPUTS";
/// Variable that overrides the endpoint of the SDK.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

const LOCALSTACK_HINT: &str = "`localstack/stack deploy` deploys the stack and writes its outputs; localstack/README.md says how to start LocalStack";
const AWS_HINT: &str = "write the outputs of a deployed stack with `sam list stack-outputs --stack-name NAME --output json > FILE`, \
    set PAYSTREAM_STACK_OUTPUTS=FILE, and select region and account with AWS_REGION and AWS_PROFILE or AWS_ACCESS_KEY_ID";

/// Outputs of the stack, and credentials to call it.
pub(crate) struct Deployed {
    target: TestTarget,
    outputs: BTreeMap<String, String>,
    sdk: SdkConfig,
}

impl Deployed {
    /// Finds the stack from the environment variables of this process.
    ///
    /// # Panics
    /// If outputs, region or credentials are missing; the message says what to do.
    pub(crate) async fn reach(target: TestTarget) -> Self {
        let found = Self::find(target).await;
        found.unwrap_or_else(|reason| panic!("no deployed stack on {target}: {reason}: {}", hint(target)))
    }

    async fn find(target: TestTarget) -> Result<Self, String> {
        let file = match (std::env::var_os(OUTPUTS), target) {
            (Some(file), _) => PathBuf::from(file),
            (None, TestTarget::LocalStack) => workspace().join("target/localstack/outputs.json"),
            (None, _) => return Err(format!("{OUTPUTS} is not set")),
        };
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let outputs = outputs_of(&text).map_err(|reason| format!("{}: {reason}", file.display()))?;
        let sdk = if target == TestTarget::LocalStack { localstack() } else { aws_of_operator().await };
        sdk.region().ok_or("no region is set")?;
        let credentials = sdk.credentials_provider().ok_or("no credentials")?;
        credentials.provide_credentials().await.map_err(|error| format!("no credentials: {error}"))?;
        Ok(Self { target, outputs, sdk })
    }

    /// Returns a stack output.
    ///
    /// # Panics
    /// If the stack has no output of this name.
    pub(crate) fn output(&self, key: &str) -> &str {
        let value = self.outputs.get(key);
        value.unwrap_or_else(|| panic!("the stack has no output {key}: {}", hint(self.target)))
    }

    /// Endpoints of both APIs, with a signer for IAM authorization.
    pub(crate) fn apis(&self) -> paystream_client::Target {
        let url = |output| self.output(output).trim_end_matches('/').to_owned();
        let (payments_url, orders_url) = (url("PaymentsUrl"), url("OrdersUrl"));
        paystream_client::Target { payments_url, orders_url, signer: Some(Signer::for_apis(self.sdk.clone())) }
    }

    pub(crate) fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// Advice to print when the stack does not respond.
    pub(crate) fn hint(&self) -> &'static str {
        hint(self.target)
    }
}

fn hint(target: TestTarget) -> &'static str {
    if target == TestTarget::LocalStack { LOCALSTACK_HINT } else { AWS_HINT }
}

fn localstack() -> SdkConfig {
    emulator(&std::env::var(ENDPOINT).unwrap_or_else(|_| "http://127.0.0.1:4566".to_owned()))
}

/// Parses the output of `sam list stack-outputs --output json` into stack outputs by name.
pub fn outputs_of(text: &str) -> Result<BTreeMap<String, String>, String> {
    let outputs: Vec<BTreeMap<String, Value>> = serde_json::from_str(text)
        .map_err(|error| format!("not the output of `sam list stack-outputs --output json`: {error}"))?;
    let text = |output: &BTreeMap<String, Value>, name: &str| Some(output.get(name)?.as_str()?.to_owned());
    Ok(outputs.iter().filter_map(|output| Some((text(output, "OutputKey")?, text(output, "OutputValue")?))).collect())
}
