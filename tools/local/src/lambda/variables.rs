//! Environment variables of a sandbox: those of Lambda and of the template, without those of the shell.

use std::collections::BTreeMap;

use crate::REGION;
use crate::faults::access_key;
use crate::template::FunctionSpec;

/// Variables inherited from this process: they control backtraces and coverage profiles.
const PASSED_ON: [&str; 3] = ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE", "LLVM_PROFILE_FILE"];

/// Base URLs of the emulators.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    pub(crate) dynamodb: String,
    pub(crate) kinesis: String,
    pub(crate) secrets_manager: String,
}

/// Returns all environment variables of a sandbox.
pub(super) fn of(
    spec: &FunctionSpec,
    endpoints: &Endpoints,
    runtime_api: &str,
    sandbox: &str,
) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> =
        PASSED_ON.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
    variables.extend(spec.variables.clone());
    let memory = spec.memory_mb.to_string();
    let log_group = format!("/aws/lambda/{}", spec.name);
    let access_key = access_key(&spec.logical_id, sandbox);
    let reserved = [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", &spec.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", sandbox),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("_HANDLER", &spec.handler),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        // Not secrets: the emulators require credentials but accept any. As on AWS, the access key identifies the
        // caller.
        ("AWS_ACCESS_KEY_ID", &access_key),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_SESSION_TOKEN", "local"),
        // Without this the SDK would look for credentials on the network.
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &endpoints.dynamodb),
        ("AWS_ENDPOINT_URL_KINESIS", &endpoints.kinesis),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &endpoints.secrets_manager),
        ("TZ", ":UTC"),
    ];
    variables.extend(reserved.map(|(name, value)| (name.to_owned(), value.to_owned())));
    variables
}
