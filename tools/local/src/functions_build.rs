//! Builds the functions with cargo and locates their binaries.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::sync::oneshot;

use crate::template::Template;
use crate::workspace::workspace_of;

/// Package of the `paystream` command. It is built together with the functions, so that cargo resolves the same
/// features for both and builds no dependency twice.
const OWN_PACKAGE: &str = "paystream";

/// Function binaries by the name of their cargo package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Functions(BTreeMap<String, PathBuf>);

/// Cargo profile to build with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// `dev`: builds fast.
    Dev,
    /// `release`, as deployed.
    Release,
}

impl Profile {
    /// Returns the profile that this program was built with.
    pub fn own() -> Self {
        if cfg!(debug_assertions) { Self::Dev } else { Self::Release }
    }

    /// Returns the name that cargo uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
        }
    }
}

/// Reason why the functions could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo could not be started.
    #[error("cannot run {}: {reason}; building the functions needs a Rust toolchain (https://rustup.rs)", cargo.to_string_lossy())]
    NoCargo {
        /// Program that was started.
        cargo: OsString,
        /// Error of the operating system.
        reason: io::Error,
    },
    /// Cargo failed; its diagnostics went to standard error.
    #[error("building the functions failed (see the output of cargo above)")]
    Failed,
    /// The package has no binary target of its own name.
    #[error("package {0} has no binary of the same name")]
    NoBinary(String),
}

impl Functions {
    /// Returns the binary of a package.
    pub fn get(&self, name: &str) -> Option<&Path> {
        self.0.get(name).map(PathBuf::as_path)
    }
}

impl FromIterator<(String, PathBuf)> for Functions {
    fn from_iter<I: IntoIterator<Item = (String, PathBuf)>>(binaries: I) -> Self {
        Self(binaries.into_iter().collect())
    }
}

impl Template {
    /// Builds the functions in the workspace of the template. Cargo runs on its own thread, so the returned future can
    /// be dropped before the build ends.
    pub async fn build_functions(&self, profile: Profile) -> Result<Functions, BuildError> {
        let (workspace, packages) = (workspace_of(self.path()), self.packages());
        let (sender, built) = oneshot::channel();
        std::thread::spawn(move || sender.send(build_functions(&workspace, profile, &packages)));
        built.await.unwrap_or(Err(BuildError::Failed))
    }
}

/// Builds packages of a workspace with one cargo call and returns their binaries. Blocks until cargo exits; its
/// progress goes to standard error. Each package must have a binary of the same name.
pub fn build_functions(workspace: &Path, profile: Profile, packages: &[String]) -> Result<Functions, BuildError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.current_dir(workspace).stdin(Stdio::null()).stderr(Stdio::inherit());
    command.args(["build", "--profile", profile.as_str(), "--message-format", "json-render-diagnostics"]);
    for variable in std::env::vars_os().map(|(name, _)| name).filter(|name| is_package_variable(name)) {
        command.env_remove(variable);
    }
    for package in packages.iter().map(String::as_str).chain([OWN_PACKAGE]) {
        command.args(["--package", package]);
    }
    let output = command.output().map_err(|reason| BuildError::NoCargo { cargo, reason })?;
    if !output.status.success() {
        return Err(BuildError::Failed);
    }
    let built = executables(&String::from_utf8_lossy(&output.stdout));
    let binary = |name: &String| match built.get(name) {
        Some(path) => Ok((name.clone(), path.clone())),
        None => Err(BuildError::NoBinary(name.clone())),
    };
    packages.iter().map(binary).collect()
}

/// True if `cargo run` sets this variable to describe the package it runs. Passed on, it would make build scripts that
/// read it (that of `ring`) run again each time a build inside `cargo run` follows one outside, or the reverse.
fn is_package_variable(variable: &OsStr) -> bool {
    let Some(name) = variable.to_str() else { return false };
    let others = ["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || others.contains(&name)
}

/// Returns the executables in cargo's JSON messages, by target name.
fn executables(messages: &str) -> BTreeMap<String, PathBuf> {
    let parsed = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let executable = |message: serde_json::Value| {
        let path = message["executable"].as_str()?;
        Some((message["target"]["name"].as_str()?.to_owned(), PathBuf::from(path)))
    };
    parsed.filter_map(executable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_settings_are_passed_on_and_package_variables_are_removed() {
        for passed_on in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_PROFILE_DEV_DEBUG", "CARGO", "PATH"] {
            assert!(!is_package_variable(passed_on.as_ref()), "{passed_on}");
        }
        for withheld in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_CRATE_NAME", "OUT_DIR"] {
            assert!(is_package_variable(withheld.as_ref()), "{withheld}");
        }
    }

    #[test]
    fn executables_are_found_among_cargos_messages() {
        let messages = "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"serde\"},\"executable\":null}\n\
            {\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"order-api\"},\"executable\":\"/t/debug/order-api\"}\n\
            not json\n{\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executables(messages), [("order-api".to_owned(), "/t/debug/order-api".into())].into());
    }
}
