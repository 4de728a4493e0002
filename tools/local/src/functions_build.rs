//! Building the functions with cargo, and where their binaries are.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::sync::oneshot;

use crate::template::Template;
use crate::workspace::workspace_of;

/// The package of the command line. It is built together with the functions, so that cargo resolves the same features for
/// both and builds no dependency twice.
const OWN_PACKAGE: &str = "paystream";

/// Function binaries by name, which is that of their cargo package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Functions(BTreeMap<String, PathBuf>);

/// How to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build.
    Dev,
    /// As it deploys.
    Release,
}

impl Profile {
    /// The profile that this very program was built with.
    pub fn own() -> Self {
        if cfg!(debug_assertions) { Self::Dev } else { Self::Release }
    }

    /// Cargo's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
        }
    }
}

/// Why the functions could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no cargo.
    #[error("cannot run {}: {reason}; building the functions needs a Rust toolchain (https://rustup.rs)", cargo.to_string_lossy())]
    NoCargo {
        /// What was run.
        cargo: OsString,
        /// What the operating system said.
        reason: io::Error,
    },
    /// Cargo has said why, on standard error.
    #[error("the functions do not build (see above)")]
    Failed,
    /// Cargo built something else.
    #[error("package {0} has no binary of that name")]
    NoBinary(String),
}

impl Functions {
    /// The binary of that name.
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
    /// Builds the functions, in the workspace that the template is in. Cargo runs on a thread that nobody needs to wait for: a
    /// caller may give up before it ends.
    pub async fn build_functions(&self, profile: Profile) -> Result<Functions, BuildError> {
        let (workspace, packages) = (workspace_of(self.path()), self.packages());
        let (sender, built) = oneshot::channel();
        std::thread::spawn(move || sender.send(build_functions(&workspace, profile, &packages)));
        built.await.unwrap_or(Err(BuildError::Failed))
    }
}

/// Builds packages of a workspace, each with a binary of the same name, with one call of cargo, whose progress goes to
/// standard error. It blocks until that is done.
pub fn build_functions(workspace: &Path, profile: Profile, packages: &[String]) -> Result<Functions, BuildError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.current_dir(workspace).stdin(Stdio::null()).stderr(Stdio::inherit());
    command.args(["build", "--profile", profile.as_str(), "--message-format", "json-render-diagnostics"]);
    for variable in std::env::vars_os().map(|(name, _)| name).filter(|name| is_of_a_package(name)) {
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

/// Whether cargo sets this variable for what it runs, about the package that is run. Build scripts that look at it (that of
/// `ring` does) would take it for a change and build again: once within `cargo run`, and once without.
fn is_of_a_package(variable: &OsStr) -> bool {
    let Some(name) = variable.to_str() else { return false };
    let others = ["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || others.contains(&name)
}

/// The executables that cargo's messages name, by the name of their target.
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
    fn what_the_user_tells_cargo_is_passed_on_and_what_cargo_says_of_a_package_is_not() {
        for passed_on in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_PROFILE_DEV_DEBUG", "CARGO", "PATH"] {
            assert!(!is_of_a_package(passed_on.as_ref()), "{passed_on}");
        }
        for withheld in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_CRATE_NAME", "OUT_DIR"] {
            assert!(is_of_a_package(withheld.as_ref()), "{withheld}");
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
