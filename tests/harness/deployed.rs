//! A Paystream that is deployed: on LocalStack, or on AWS. Known by the outputs of its stack.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_sdk_dynamodb::config::ProvideCredentials;
use aws_types::SdkConfig;
use paystream_client::{Signer, emulator};
use paystream_operations::aws_of_operator;
use serde_json::Value;

use crate::{Target, workspace};

/// The variable that names the file of the stack's outputs.
const OUTPUTS: &str = "PAYSTREAM_STACK_OUTPUTS";
/// The variable that leads the SDK elsewhere than to AWS.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// How to come by what is missing.
const ON_LOCALSTACK: &str =
    "`localstack/stack deploy` deploys the stack and writes its outputs, and says how to start LocalStack";
const ON_AWS: &str = "`sam list stack-outputs --stack-name NAME --output json > FILE` writes those of a deployed stack, and \
    PAYSTREAM_STACK_OUTPUTS=FILE says where they are; AWS_REGION and AWS_PROFILE or AWS_ACCESS_KEY_ID say whose stack it is";

/// The stack, and how to call it.
pub(crate) struct Deployed {
    target: Target,
    outputs: BTreeMap<String, String>,
    sdk: SdkConfig,
}

impl Deployed {
    /// The one that the environment of this process leads to.
    ///
    /// # Panics
    /// Where it leads to none, with what to do.
    pub(crate) async fn reach(target: Target) -> Self {
        let found = Self::find(target).await;
        found.unwrap_or_else(|reason| panic!("no Paystream on {target}: {reason}: {}", hint(target)))
    }

    async fn find(target: Target) -> Result<Self, String> {
        let file = match (std::env::var_os(OUTPUTS), target) {
            (Some(file), _) => PathBuf::from(file),
            (None, Target::LocalStack) => workspace().join("target/localstack/outputs.json"),
            (None, _) => return Err(format!("{OUTPUTS} is not set")),
        };
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let outputs = outputs_of(&text).map_err(|reason| format!("{}: {reason}", file.display()))?;
        let sdk = if target == Target::LocalStack { localstack() } else { aws_of_operator().await };
        sdk.region().ok_or("no region is set")?;
        let credentials = sdk.credentials_provider().ok_or("no credentials")?;
        credentials.provide_credentials().await.map_err(|error| format!("no credentials: {error}"))?;
        Ok(Self { target, outputs, sdk })
    }

    /// What its stack puts out under this name.
    ///
    /// # Panics
    /// Where it does not.
    pub(crate) fn output(&self, key: &str) -> &str {
        let value = self.outputs.get(key);
        value.unwrap_or_else(|| panic!("its stack has no output {key}: {}", hint(self.target)))
    }

    /// Both APIs, each of which asks for a signature.
    pub(crate) fn apis(&self) -> paystream_client::Target {
        let url = |output| self.output(output).trim_end_matches('/').to_owned();
        let (payments_url, orders_url) = (url("PaymentsUrl"), url("OrdersUrl"));
        paystream_client::Target { payments_url, orders_url, signer: Some(Signer::for_apis(self.sdk.clone())) }
    }

    pub(crate) fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// What to do where it does not answer.
    pub(crate) fn hint(&self) -> &'static str {
        hint(self.target)
    }
}

fn hint(target: Target) -> &'static str {
    if target == Target::LocalStack { ON_LOCALSTACK } else { ON_AWS }
}

fn localstack() -> SdkConfig {
    emulator(&std::env::var(ENDPOINT).unwrap_or_else(|_| "http://127.0.0.1:4566".to_owned()))
}

/// The outputs of a stack by their names, from what `sam list stack-outputs --output json` prints.
pub fn outputs_of(text: &str) -> Result<BTreeMap<String, String>, String> {
    let outputs: Vec<BTreeMap<String, Value>> = serde_json::from_str(text)
        .map_err(|error| format!("not what `sam list stack-outputs --output json` prints: {error}"))?;
    let text = |output: &BTreeMap<String, Value>, name: &str| Some(output.get(name)?.as_str()?.to_owned());
    Ok(outputs.iter().filter_map(|output| Some((text(output, "OutputKey")?, text(output, "OutputValue")?))).collect())
}
