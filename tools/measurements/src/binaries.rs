//! Measured binaries: built in release as deployed, or taken from the output of `sam build`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::Message;

use crate::{FUNCTIONS, Function, HUB_RELAYS};

/// Package of the function that does nothing.
pub const HELLO_WORLD: &str = "measurements-hello-world";
/// Package of the functions' baselines.
pub const FLOORS: &str = "measurements-baselines";

/// Resolves a command-line path relative to the repository: cargo runs a benchmark in the folder of its package.
pub fn given(path: &Path) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// Paths of binaries.
#[derive(Debug, Clone, Default)]
pub struct Binaries {
    /// Binaries built by cargo, by package.
    built: BTreeMap<String, PathBuf>,
    /// Output folder of `sam build`, if the functions are taken from it.
    deployable: Option<PathBuf>,
}

/// Error of building or finding binaries.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo cannot be run, or its output cannot be parsed.
    #[error("cannot build with cargo: {0}")]
    Cargo(#[from] io::Error),
    /// The build failed. Cargo has printed the reason on standard error.
    #[error("cannot build {0} (see above)")]
    Failed(String),
    /// The folder is not an output folder of `sam build`.
    #[error("{} is missing: --binaries needs an output folder of `sam build`, such as .aws-sam/build", .0.display())]
    NotBuilt(PathBuf),
}

impl Binaries {
    /// Builds the functions as deployed: only their packages, so that they have their own features (docs/adr/0007).
    /// With `folder`, uses `<logical id>/bootstrap` in it instead.
    pub fn of_functions(folder: Option<&Path>) -> Result<Self, BuildError> {
        let Some(folder) = folder else {
            let mut packages = FUNCTIONS.map(|function| function.package).to_vec();
            packages.dedup();
            return Ok(Self { built: build(&packages)?, deployable: None });
        };
        let binaries = Self { built: BTreeMap::new(), deployable: Some(given(folder)) };
        binaries.checked(FUNCTIONS.iter())
    }

    /// Builds the relays of the other hubs as well, each in a separate call of cargo. With a folder, checks it.
    pub fn and_hub_relays(mut self) -> Result<Self, BuildError> {
        if self.deployable.is_none() {
            for relay in HUB_RELAYS {
                self = self.and(relay.function.package)?;
            }
        }
        self.checked(HUB_RELAYS.iter().map(|relay| &relay.function))
    }

    fn checked<'a>(self, functions: impl Iterator<Item = &'a Function>) -> Result<Self, BuildError> {
        match functions.map(|function| self.of(function)).find(|path| !path.is_file()) {
            Some(missing) => Err(BuildError::NotBuilt(missing)),
            None => Ok(self),
        }
    }

    /// Builds this package as well, in a separate call of cargo, so that it has only its own features.
    pub fn and(mut self, package: &str) -> Result<Self, BuildError> {
        self.built.extend(build(&[package])?);
        Ok(self)
    }

    /// Path of a function's binary.
    pub fn of(&self, function: &Function) -> PathBuf {
        match &self.deployable {
            Some(folder) => folder.join(function.logical_id).join("bootstrap"),
            None => self.built(function.package),
        }
    }

    /// Path of the binary of a built package.
    pub fn built(&self, package: &str) -> PathBuf {
        self.built.get(package).cloned().unwrap_or_default()
    }
}

/// Builds packages in release, each with a binary of its name. Cargo prints its progress to standard error.
fn build(packages: &[&str]) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(given(Path::new(""))).stdin(Stdio::null()).stderr(Stdio::inherit());
    command.args(["build", "--release", "--message-format", "json-render-diagnostics"]);
    command.args(packages.iter().flat_map(|package| ["--package", package]));
    for variable in std::env::vars_os().map(|(name, _)| name).filter(|name| is_of_a_package(name)) {
        command.env_remove(variable);
    }
    let output = command.output()?;
    let mut built = BTreeMap::new();
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message?
            && let Some(executable) = artifact.executable
        {
            built.insert(artifact.target.name, executable.into_std_path_buf());
        }
    }
    let all = packages.iter().all(|package| built.contains_key(*package));
    if output.status.success() && all { Ok(built) } else { Err(BuildError::Failed(packages.join(", "))) }
}

/// True if cargo sets this variable for the package it runs. Build scripts that read it would see a change, and their
/// dependents would be rebuilt: once in `cargo bench`, and once outside of it.
fn is_of_a_package(variable: &OsStr) -> bool {
    let Some(name) = variable.to_str() else { return false };
    let others = ["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || others.contains(&name)
}
