//! The binaries that are measured: built as they deploy, or as `sam build` left them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::Message;

use crate::{FUNCTIONS, Function};

/// The package of the least that a function can be.
pub const HELLO_WORLD: &str = "measurements-hello-world";
/// The package of the least work that each function can do.
pub const FLOORS: &str = "measurements-floors";

/// A path as it was given to `cargo bench` in the repository's folder: cargo runs a benchmark in that of its package.
pub fn given(path: &Path) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// Where binaries are.
#[derive(Debug, Clone, Default)]
pub struct Binaries {
    /// By package.
    built: BTreeMap<String, PathBuf>,
    /// Where `sam build` put those of the functions, if they are from there.
    deployable: Option<PathBuf>,
}

/// Why there are no binaries.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no cargo, or it says what is no message.
    #[error("cannot build with cargo: {0}")]
    Cargo(#[from] io::Error),
    /// Cargo has said why, on standard error.
    #[error("{0} do not build (see above)")]
    Failed(String),
    /// The folder is not what `sam build` makes.
    #[error("{} is missing: give --binaries a folder that `sam build` made, such as .aws-sam/build", .0.display())]
    NotBuilt(PathBuf),
}

impl Binaries {
    /// The functions, built as they deploy: from their packages alone, so with their own features (docs/adr/0007). Or from
    /// `folder`, with `<logical id>/bootstrap` for each.
    pub fn of_functions(folder: Option<&Path>) -> Result<Self, BuildError> {
        let Some(folder) = folder else {
            let mut packages = FUNCTIONS.map(|function| function.package).to_vec();
            packages.dedup();
            return Ok(Self { built: build(&packages)?, deployable: None });
        };
        let binaries = Self { built: BTreeMap::new(), deployable: Some(given(folder)) };
        let mut paths = FUNCTIONS.iter().map(|function| binaries.of(function));
        match paths.find(|path| !path.is_file()) {
            Some(missing) => Err(BuildError::NotBuilt(missing)),
            None => Ok(binaries),
        }
    }

    /// Builds this package as well, by a call of its own: no other's features are in it.
    pub fn and(mut self, package: &str) -> Result<Self, BuildError> {
        self.built.extend(build(&[package])?);
        Ok(self)
    }

    /// That of a function.
    pub fn of(&self, function: &Function) -> PathBuf {
        match &self.deployable {
            Some(folder) => folder.join(function.logical_id).join("bootstrap"),
            None => self.built(function.package),
        }
    }

    /// That of a package which was built.
    pub fn built(&self, package: &str) -> PathBuf {
        self.built.get(package).cloned().unwrap_or_default()
    }
}

/// Builds packages, each with a binary of its name, in release. Cargo's progress goes to standard error.
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

/// Whether cargo sets this variable for what it runs, about the package that is run. Build scripts that look at it would take
/// it for a change, and everything above them would be built again: once within `cargo bench`, and once without.
fn is_of_a_package(variable: &OsStr) -> bool {
    let Some(name) = variable.to_str() else { return false };
    let others = ["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || others.contains(&name)
}
