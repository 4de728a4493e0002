//! Dependency rules between the crates of the workspace, as docs/architecture.md states them.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

const PAYMENTS_SIDE: &[&str] = &[
    "payments",
    "payments-aws",
    "payments-http-processor",
    "payments-kafka",
    "payments-rabbitmq",
    "payment-changes",
    "outbox-relay",
    "payment-api",
    "payment-recovery",
    "payment-relay",
    "payment-relay-kafka",
    "payment-relay-rabbitmq",
];
const ORDERS_SIDE: &[&str] = &["orders", "orders-aws", "order-api", "order-projector"];
const FUNCTIONS: [&str; 7] = [
    "payment-api",
    "payment-recovery",
    "payment-relay",
    "payment-relay-kafka",
    "payment-relay-rabbitmq",
    "order-api",
    "order-projector",
];
/// Shared crates of the workspace that both services may use.
const FOR_BOTH: [&str; 13] = [
    "payment-events",
    "telemetry",
    "uri-paths",
    "http-problems",
    "card-numbers",
    "http-requests",
    "http-pages",
    "openapi-routes",
    "api-gateway",
    "stream-batch",
    "aws-connection",
    "aws-secrets",
    "quarantine",
];
/// Shared crates that build on other shared crates, with those that each may use in addition to `telemetry`.
const BUILT_ON: [(&str, &[&str]); 8] = [
    ("api-gateway", &["uri-paths"]),
    ("http-problems", &["uri-paths"]),
    ("card-numbers", &["http-problems", "uri-paths"]),
    ("http-requests", &["http-problems", "card-numbers"]),
    ("http-pages", &["http-problems"]),
    ("openapi-routes", &["http-problems", "http-requests", "uri-paths"]),
    ("quarantine", &["payment-events"]),
    ("aws-secrets", &["aws-connection"]),
];
/// Name prefixes of AWS dependencies.
const AWS_PREFIXES: [&str; 5] = ["aws-", "aws_", "lambda_", "serde_dynamo", "lambda-"];
/// HTTP dependencies.
const HTTP: [&str; 10] = [
    "axum",
    "http",
    "hyper",
    "reqwest",
    "http-problems",
    "card-numbers",
    "http-requests",
    "http-pages",
    "openapi-routes",
    "api-gateway",
];

struct Workspace(Metadata);

impl Workspace {
    fn read() -> Self {
        Self(MetadataCommand::new().no_deps().exec().unwrap())
    }

    fn members(&self) -> BTreeSet<&str> {
        self.0.workspace_packages().iter().map(|package| package.name.as_str()).collect()
    }

    fn package(&self, name: &str) -> &Package {
        self.0.packages.iter().find(|package| package.name.as_str() == name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// Normal and build dependencies of a crate, without its dev-dependencies.
    fn dependencies(&self, name: &str) -> Vec<&str> {
        let dependencies = &self.package(name).dependencies;
        let linked = dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
        linked.map(|dependency| dependency.name.as_str()).collect()
    }

    fn directory(&self, name: &str) -> PathBuf {
        self.package(name).manifest_path.parent().unwrap().as_std_path().to_owned()
    }
}

#[test]
fn payments_and_orders_do_not_depend_on_each_other() {
    let workspace = Workspace::read();
    for (side, other) in [(PAYMENTS_SIDE, ORDERS_SIDE), (ORDERS_SIDE, PAYMENTS_SIDE)] {
        for &member in side {
            // Dev-dependencies included: tests may not depend on the other service either.
            for dependency in &workspace.package(member).dependencies {
                assert!(!other.contains(&dependency.name.as_str()), "{member} depends on {}", dependency.name);
            }
        }
    }
}

#[test]
fn each_side_uses_only_its_own_and_shared_crates() {
    let workspace = Workspace::read();
    let members = workspace.members();
    for side in [PAYMENTS_SIDE, ORDERS_SIDE] {
        for &member in side {
            for dependency in workspace.dependencies(member).into_iter().filter(|name| members.contains(name)) {
                let allowed = side.contains(&dependency) || FOR_BOTH.contains(&dependency);
                assert!(allowed, "{member} depends on {dependency}");
            }
        }
    }
}

#[test]
fn shared_crates_depend_only_on_telemetry_and_the_shared_crates_listed_for_them() {
    let workspace = Workspace::read();
    let built_on = BTreeMap::from(BUILT_ON);
    for name in FOR_BOTH {
        let built_on = built_on.get(name).copied().unwrap_or_default();
        for dependency in workspace.dependencies(name) {
            let allowed = !workspace.members().contains(dependency)
                || [name, "telemetry"].contains(&dependency)
                || built_on.contains(&dependency);
            assert!(allowed, "{name} depends on {dependency}");
        }
    }
    assert!(!workspace.dependencies("payment-events").contains(&"telemetry"), "the contract logs nothing");
}

#[test]
fn only_adapters_and_functions_know_aws() {
    let workspace = Workspace::read();
    let adapters = [
        "payments-aws",
        "payments-http-processor",
        "payments-kafka",
        "payments-rabbitmq",
        "orders-aws",
        "quarantine",
        "stream-batch",
        "api-gateway",
        "aws-connection",
        "aws-secrets",
    ];
    // Operator tools, tests, measurements and examples, and a crate without code.
    let outside = [
        "paystream-operations",
        "paystream-chaos",
        "paystream-client",
        "paystream-comparison",
        "paystream-tests",
        "measurements-baselines",
        "measurements-hello-world",
        "second-subscriber",
        "unified-features",
    ];
    let may: BTreeSet<_> = FUNCTIONS.into_iter().chain(adapters).chain(outside).collect();
    for member in workspace.members().into_iter().filter(|member| !may.contains(member)) {
        for dependency in workspace.dependencies(member) {
            let aws = AWS_PREFIXES.iter().any(|prefix| dependency.starts_with(prefix));
            assert!(!aws, "{member} depends on {dependency}");
        }
    }
}

#[test]
fn the_domains_know_no_http() {
    let workspace = Workspace::read();
    for member in ["payments", "orders", "payment-events", "stream-batch"] {
        for dependency in workspace.dependencies(member) {
            assert!(!HTTP.contains(&dependency), "{member} depends on {dependency}");
        }
    }
}

#[test]
fn deployed_crates_do_not_depend_on_local_tools() {
    let workspace = Workspace::read();
    for member in PAYMENTS_SIDE.iter().copied().chain(ORDERS_SIDE.iter().copied()).chain(FOR_BOTH) {
        for dependency in workspace.dependencies(member) {
            let local = [
                "paystream-hubs",
                "paystream-local",
                "paystream-operations",
                "paystream-processor-stub",
                "paystream-chaos",
                "paystream-client",
                "paystream-comparison",
                "paystream-contracts",
                "paystream-explorer",
                "paystream-measurements",
                "paystream",
                "paystream-commands",
                "second-subscriber",
                "unified-features",
                "dynoxide-rs",
                "ferrokinesis",
            ];
            assert!(!local.contains(&dependency), "{member} depends on {dependency}");
        }
    }
}

#[test]
fn functions_scan_no_table_and_operations_depends_on_no_command_line_or_local_environment() {
    let workspace = Workspace::read();
    for member in
        PAYMENTS_SIDE.iter().copied().chain(ORDERS_SIDE.iter().copied()).filter(|member| FUNCTIONS.contains(member))
    {
        for file in rust_files(&workspace.directory(member).join("src")) {
            let source = std::fs::read_to_string(&file).unwrap();
            for word in ["PaymentsScan", "OrdersScan", "QuarantineRecords", ".scan()"] {
                assert!(!source.contains(word), "{} says {word}", file.display());
            }
        }
    }
    for dependency in workspace.dependencies("paystream-operations") {
        assert!(
            !["clap", "indicatif", "paystream-local", "paystream", "paystream-commands"].contains(&dependency),
            "paystream-operations depends on {dependency}"
        );
    }
}

#[test]
fn deployed_code_does_not_know_where_it_runs() {
    let workspace = Workspace::read();
    let forbidden = ["localhost", "127.0.0.1", "AWS_ENDPOINT_URL", "endpoint_url", "LOCALSTACK", "is_local"];
    for member in PAYMENTS_SIDE.iter().copied().chain(ORDERS_SIDE.iter().copied()).chain(FOR_BOTH) {
        let files = rust_files(&workspace.directory(member).join("src"));
        assert!(!files.is_empty(), "{member} has no source");
        for file in files {
            let source = std::fs::read_to_string(&file).unwrap();
            for word in forbidden {
                // One file reads all variables of the SDK, the endpoint override among them.
                let is_read = word == "AWS_ENDPOINT_URL" && file.ends_with("aws-connection/src/environment.rs");
                assert!(is_read || !source.contains(word), "{} says {word}", file.display());
            }
        }
    }
}

#[test]
fn every_workspace_member_is_covered_by_these_rules() {
    let workspace = Workspace::read();
    let local = [
        "paystream",
        "paystream-chaos",
        "paystream-client",
        "paystream-commands",
        "paystream-comparison",
        "paystream-contracts",
        "paystream-explorer",
        "paystream-hubs",
        "paystream-local",
        "paystream-measurements",
        "paystream-operations",
        "paystream-processor-stub",
        "paystream-tests",
        "measurements-baselines",
        "measurements-hello-world",
        "second-subscriber",
        "unified-features",
    ];
    let known = PAYMENTS_SIDE
        .iter()
        .copied()
        .chain(ORDERS_SIDE.iter().copied())
        .chain(FOR_BOTH)
        .chain(local)
        .collect::<BTreeSet<_>>();
    assert_eq!(workspace.members(), known);
}

/// Otherwise `cargo run` and `cargo test` would each rebuild the AWS SDK (docs/adr/0007).
#[test]
fn every_build_of_the_workspace_uses_one_set_of_features() {
    let with_functions: Vec<_> =
        ["paystream"].into_iter().chain(FUNCTIONS).flat_map(|name| ["--package", name]).collect();
    let command_line = features(&["--package", "paystream", "--edges", "normal,build"]);
    let commands = features(&["--package", "paystream-commands", "--edges", "normal,build"]);
    let functions = features(&[&with_functions[..], &["--edges", "normal,build"]].concat());
    let contracts = features(&["--package", "paystream-contracts", "--edges", "normal,build"]);
    let examples = features(&["--package", "paystream-contracts", "--edges", "normal,build,dev"]);
    let tests = features(&["--package", "paystream-tests", "--edges", "normal,build,dev"]);
    let everything = features(&["--workspace", "--edges", "normal,build,dev"]);
    let mut missing = Vec::new();
    for selection in [command_line, commands, functions, contracts, examples, tests] {
        for (package, features) in selection {
            missing.extend(everything[&package].difference(&features).map(|feature| format!("{package}: {feature}")));
        }
    }
    assert!(missing.is_empty(), "tools/unified-features lacks\n{}", missing.join("\n"));
}

/// Otherwise `sam build`, which builds one function after the other, would rebuild the AWS SDK for each
/// (docs/adr/0007).
/// Release binaries abort on a panic, which fails the invocation for every order of the shard.
#[test]
fn deployed_crates_are_linted_against_arithmetic_indexing_and_slicing_that_can_panic() {
    let workspace = Workspace::read();
    for name in FOR_BOTH.into_iter().chain(PAYMENTS_SIDE.iter().copied()).chain(ORDERS_SIDE.iter().copied()) {
        let library = std::fs::read_to_string(workspace.directory(name).join("src/lib.rs")).unwrap();
        for lint in ["clippy::arithmetic_side_effects", "clippy::indexing_slicing", "clippy::string_slice"] {
            assert!(library.contains(lint), "{name} does not enable {lint}");
        }
    }
}

#[test]
fn every_function_is_built_with_one_set_of_features() {
    // The baselines must be built with the features of the functions that are compared with them.
    let measured = FUNCTIONS.into_iter().chain(["measurements-baselines"]);
    let built: Vec<_> =
        measured.map(|name| (name, features(&["--package", name, "--edges", "normal,build"]))).collect();
    let mut missing = BTreeSet::new();
    for (name, of_one) in &built {
        for (_, of_another) in &built {
            for (package, features) in of_one {
                let more = of_another.get(package).into_iter().flat_map(|others| others.difference(features));
                missing.extend(more.map(|feature| format!("{name} is built with {package} without {feature}")));
            }
        }
    }
    let missing: Vec<_> = missing.into_iter().collect();
    assert!(missing.is_empty(), "crates/aws-connection lacks\n{}", missing.join("\n"));
}

/// Enabled features of every external dependency, as cargo resolves them for this package selection.
fn features(selection: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = Command::new(cargo)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["tree", "--prefix", "none", "--format", "{p} [{f}]"])
        .args(selection)
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let mut features = BTreeMap::<_, BTreeSet<_>>::new();
    for line in String::from_utf8(tree.stdout).unwrap().lines() {
        // cargo marks repeated packages with an asterisk.
        let line = line.trim_end_matches(" (*)").trim_end_matches(']');
        let Some((package, enabled)) = line.split_once(" [") else { continue };
        // Workspace packages are listed with their path.
        if !package.contains("(/") {
            let enabled = enabled.split(',').filter(|feature| !feature.is_empty()).map(str::to_owned);
            features.entry(package.to_owned()).or_default().extend(enabled);
        }
    }
    assert!(features.len() > 100, "cannot parse the output of cargo tree");
    features
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
