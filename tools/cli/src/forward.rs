//! Passes a command on to `paystream-commands`, which is built when it is first needed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use paystream_local::{BuildError, Profile, build_functions, directory_with};

/// The package with every other command, and its binary.
const COMMANDS: &str = "paystream-commands";
/// Marks the workspace that has this package.
const MANIFEST: &str = "tools/cli/commands/Cargo.toml";

/// Reasons for which a command is not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForwardError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("cannot run {}: {reason}; `cargo build --package {COMMANDS}` in the workspace builds it", program.display())]
    Run { program: PathBuf, reason: std::io::Error },
}

/// Runs `paystream-commands` with the arguments of this process, and ends as it ends.
pub(crate) fn run() -> Result<ExitCode, ForwardError> {
    let program = program()?;
    run_instead(&program, std::env::args_os().skip(1)).map_err(|reason| ForwardError::Run { program, reason })
}

/// Returns the binary: built from the workspace that this program, or the current directory, is in; else the one beside it.
fn program() -> Result<PathBuf, ForwardError> {
    let own = std::env::current_exe().unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    let beside = own.with_file_name(format!("{COMMANDS}{}", std::env::consts::EXE_SUFFIX));
    match directory_with(MANIFEST, [&*own, &*here]) {
        Some(workspace) => {
            let built = build_functions(workspace, Profile::own(), &[COMMANDS.to_owned()])?;
            Ok(built.get(COMMANDS).map_or(beside, Path::to_owned))
        }
        None => Ok(beside),
    }
}

/// Replaces this process, so that signals and the exit code are the program's own.
#[cfg(unix)]
fn run_instead(program: &Path, arguments: impl Iterator<Item = OsString>) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(Command::new(program).args(arguments).exec())
}

#[cfg(not(unix))]
fn run_instead(program: &Path, arguments: impl Iterator<Item = OsString>) -> std::io::Result<ExitCode> {
    let status = Command::new(program).args(arguments).status()?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2)))
}
